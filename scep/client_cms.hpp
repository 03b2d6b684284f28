// Signed messages as a client reads them. Internal to the client side.
#pragma once

#include "certs/ber.hpp"
#include "certs/cms_signed_data.hpp"

namespace scepgate::scep {

/// One layer of CMS, and the DER that its views lie in: moved, never copied.
struct CmsLayer {
    CmsLayer() = default;
    CmsLayer(CmsLayer&&) = default;
    CmsLayer& operator=(CmsLayer&&) = default;

    Bytes der;
    certs::CmsSignedData data;
};
/// Servers may write BER at each layer, just as clients may.
Result<CmsLayer> read_cms_layer(ByteView octets, const certs::BerLimits& limits = {});

/// The pinned certificate signed it, around id-data and alone; what certificates came along does
/// not matter (K01).
Result<void> check_signed_by(const certs::CmsSignedData& data, const certs::Certificate& expected,
                             const certs::KeyLimits& limits);

}  // namespace scepgate::scep
