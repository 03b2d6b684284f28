// The checks that send a PKIOperation, and the state that they share.
#pragma once

#include "server/doctor/examination.hpp"
#include "server/doctor/judge_answer.hpp"

namespace scepgate::server::doctor {

/// Of a message that nobody can decrypt, in octets.
inline constexpr std::size_t kShortMessage = 512;

/// Messages that every server refuses, in all ways in which devices send them. Each check adds its
/// findings to the examination.
class MessageChecks {
public:
    MessageChecks(Examination& run, Messages messages);

    void run_all();

private:
    struct Sent {
        Sealed sealed;
        Reply reply;
        Arrived arrived;
    };

    std::string get_target(const Sealed& sealed, Messages::Spelling spell) const;
    bool is_static(const Reply& reply) const;
    Sent judged(Sealed sealed, Reply reply);
    Sent get(Sealed sealed, Messages::Spelling spell);
    Sent post(Sealed sealed, std::vector<std::string> headers, bool chunked = false);
    std::optional<Sealed> seal(std::size_t content);

    /// What an answer that is not proven to be the server's can be; true when it may serve as
    /// measure for the others.
    bool take_first(std::string_view id, const std::string& sent, Sent first);
    void check_post();
    /// A POST in another form than the first.
    struct PostForm {
        std::string_view id;
        std::string what;
        std::size_t content = kShortMessage;
        std::vector<std::string> headers;
        bool chunked = false;
        Outcome otherwise = Outcome::kFailed;
        Fault fault = Fault::kPost;
        std::string_view senders = {};  ///< who sends it so
    };
    void check_post_form(const PostForm& form);
    void check_get();
    void check_long_get(Messages::Spelling spell);

    // message_reply_checks.cpp
    void check_reply_type();
    void check_reply_cache();
    void check_compression();

    Examination& run_;
    Messages messages_;
    std::optional<Reply> first_;  ///< the answer that others are compared with
    std::optional<Reply> cert_rep_;
    Messages::Spelling spelling_ = nullptr;  ///< one that arrives
    std::string stale_;
};

/// The header fields of a POST as most clients send it.
const std::vector<std::string>& plain_post_fields();

}  // namespace scepgate::server::doctor
