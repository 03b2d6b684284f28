#include "certs/crl.hpp"

#include "certs/crl_entry.hpp"
#include "certs/crl_state.hpp"
#include "certs/issuer_signature.hpp"

namespace scepgate::certs {

Crl::Crl(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

Result<Crl> Crl::from_der(ByteView der, CrlScope scope) {
    return from_der(to_bytes(der), scope);
}

Result<Crl> Crl::from_der(Bytes&& der, CrlScope scope) {
    auto state = std::make_shared<State>();
    state->der = std::move(der);
    if (const auto parsed = state->parse(scope); !parsed) return in_context("CRL", parsed.error());
    return Crl(std::move(state));
}

const Crl::State& Crl::state() const noexcept {
    static const State none;
    return state_ ? *state_ : none;
}

ByteView Crl::der() const noexcept {
    return state().der;
}
ByteView Crl::to_be_signed() const noexcept {
    return state().tbs;
}
ByteView Crl::issuer_der() const noexcept {
    return state().issuer;
}
std::int64_t Crl::this_update() const noexcept {
    return state().this_update;
}
std::int64_t Crl::next_update() const noexcept {
    return state().next_update;
}
ByteView Crl::number() const noexcept {
    return state().number;
}
std::optional<ByteView> Crl::base_number() const noexcept {
    return state().base_number;
}
std::optional<ByteView> Crl::authority_key_identifier() const noexcept {
    return state().authority_key_identifier;
}
const std::optional<IssuingDistributionPoint>& Crl::issuing_distribution_point() const noexcept {
    return state().issuing_distribution_point;
}
const std::vector<std::string>& Crl::freshest_crl_urls() const noexcept {
    return state().freshest_crl_urls;
}
bool Crl::is_complete() const noexcept {
    return state().is_complete();
}
Crl::Entries Crl::entries() const noexcept {
    return Entries(state());
}

Crl::Entry Crl::State::entry_at(std::uint32_t offset) const {
    DerReader reader(ByteView(der).subspan(offset));
    return parse_crl_entry(reader.read(DerTag::kSequence).value()).value();
}

ByteView Crl::State::serial_at(std::uint32_t offset) const {
    DerReader reader(ByteView(der).subspan(offset));
    DerReader fields(reader.read(DerTag::kSequence).value());
    return read_non_negative(fields, "a serial number").value();
}

std::size_t Crl::Entries::size() const noexcept {
    return state_->entries.size();
}

Crl::Entry Crl::Entries::Iterator::operator*() const {
    return state_->entry_at(state_->entries[at_]);
}

std::optional<Crl::Entry> Crl::find(ByteView serial) const {
    while (serial.size() > 1 && serial.front() == 0)
        serial = serial.subspan(1);
    const State& read = state();
    const auto at = std::lower_bound(read.entries.begin(), read.entries.end(), serial,
                                     [&read](std::uint32_t offset, ByteView wanted) {
                                         return is_less_number(read.serial_at(offset), wanted);
                                     });
    if (at == read.entries.end() || !equal(read.serial_at(*at), serial)) return std::nullopt;
    return read.entry_at(*at);
}

std::string Crl::pem() const {
    constexpr std::size_t kLine = 64;
    const std::string base64 = to_base64(der());
    std::string text = "-----BEGIN X509 CRL-----\n";
    text.reserve(base64.size() + base64.size() / kLine + 64);
    for (std::size_t at = 0; at < base64.size(); at += kLine)
        text.append(base64, at, kLine).append("\n");
    return text + "-----END X509 CRL-----\n";
}

bool Crl::signed_by(const PublicKey& issuer_key) const {
    if (!*this) return false;
    return check_issuer_signature(state().outer_algorithm, issuer_key, state().tbs,
                                  state().signature)
        .has_value();
}

}  // namespace scepgate::certs
