// What must hold for a request that was read, at each step that it got through.
#pragma once

#include "scep/message_content.hpp"

namespace scepgate::fuzz {

/// One signer whose certificate is in the message, an identity that can be echoed, and a FAILURE
/// that its client understands as the answer to it.
void require_answerable(const scep::SignedRequest& request);

/// open_request() did not refuse: nothing is wrong with its attributes, the type is one that
/// clients send, the algorithms and the key are among the allowed, and OpenSSL finds the signature
/// good too.
void require_rightly_opened(const scep::SignedRequest& request, const scep::PkiMessage& message);

/// The last step: refuses in the ways that the device may see, or gives a request whose CSR OpenSSL
/// reads the same; an initial one is for the signer's key, a renewal's signer the CA's.
void require_rightly_classified(const scep::PkiMessage& message);

/// The last step of the other types: the content that stands there, or the uniform refusal.
void require_rightly_read(const scep::PkiMessage& message);

/// The refusal is one of those that the step documents.
void require_open_refusal(const Refusal& refusal);

}  // namespace scepgate::fuzz
