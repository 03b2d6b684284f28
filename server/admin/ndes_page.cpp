#include "server/admin/ndes_page.hpp"

#include <array>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "certs/ossl.hpp"

namespace scepgate::server::admin {
namespace {

/// The frame that all pages share. Scrapers go by the words and by the single spaces around tags.
std::string page(std::string_view content) {
    std::string text;
    text.reserve(8192 + content.size());
    text =
        "<HTML><Head><Meta HTTP-Equiv=\"Content-Type\" Content=\"text/html; charset=UTF-8\">"
        "<Title>Network Device Enrollment Service</Title></Head><Body BgColor=#FFFFFF>"
        "<Font ID=locPageFont Face=\"Arial\"><Table Border=0 CellSpacing=0 CellPadding=4 "
        "Width=100% "
        "BgColor=#008080><TR><TD><Font ID=locPageTitleFont Face=\"Arial\" Size=-1 Color=#FFFFFF>"
        "<LocID ID=locMSCertSrv>Network Device Enrollment Service</LocID></Font></TD></TR></Table>"
        "<P ID=locPageTitle> Network Device Enrollment Service allows you to obtain certificates "
        "for "
        "routers or other network devices using the Simple Certificate Enrollment Protocol (SCEP). "
        "</P>";
    text.append(content);
    text +=
        " <P ID=locPageDesc> For more information see  "
        "<A HREF=http://go.microsoft.com/fwlink/?LinkId=67852>Using Network Device Enrollment "
        "Service </A>. </P> <P></Font></Body></HTML>";
    return text;
}

}  // namespace

std::string ndes_thumbprint(const certs::Certificate& certificate) {
    const std::unique_ptr<EVP_MD, certs::Deleter<EVP_MD_free>> md5(
        EVP_MD_fetch(nullptr, "MD5", nullptr));
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const ByteView der = certificate.der();
    if (!md5 || EVP_Digest(der.data(), der.size(), digest.data(), &size, md5.get(), nullptr) != 1) {
        ERR_clear_error();
        return {};
    }
    std::string text;
    constexpr const char* kDigits = "0123456789ABCDEF";
    for (unsigned i = 0; i < size; ++i) {
        if (i != 0 && i % 4 == 0) text += ' ';
        text += kDigits[digest[i] >> 4];
        text += kDigits[digest[i] & 0xf];
    }
    return text;
}

std::string password_page(const NdesPassword& password) {
    std::string content;
    content.reserve(4096);  // grown on the way, it would leave copies of the password behind
    content =
        "<P> To complete certificate enrollment for your network device you will need the "
        "following "
        "information: <P> The thumbprint (hash value) for the CA certificate is: <B> ";
    content.append(password.thumbprint);
    content += " </B> <P> The enrollment challenge password is: <B> ";
    content.append(password.password);
    if (password.minutes > 0) {
        content +=
            " </B> <P> This password can be used only once and will expire within " +
            std::to_string(password.minutes) +
            " minutes. <P> Each enrollment requires a new challenge password. You can refresh "
            "this web page to obtain a new challenge password. </P>";
    } else {
        content += " </B> <P> This password can be used multiple times and will not expire. </P>";
    }
    std::string text = page(content);
    OPENSSL_cleanse(content.data(), content.size());
    return text;
}

std::string cache_full_page(std::int64_t minutes) {
    const std::string validity = std::to_string(minutes);
    return page(
        "<P> The password cache is full. </P> <P> The Network Device Enrollment Service stores "
        "unused password for later use. By default, passwords are stored for 60 minutes. </P> <P> "
        "Use one of the existing passwords. If you cannot use an existing password: <UL> <LI> Wait "
        "until one of the passwords expires (after " +
        validity +
        " minutes). <LI> Or withdraw one, or configure a larger PasswordMax. </UL> </P>");
}

std::string no_permission_page() {
    return page(
        "<P> You do not have sufficient permission to enroll with SCEP.  Please contact your "
        "system "
        "administrator. </P>");
}

Bytes to_utf16le(std::string_view text) {
    Bytes octets;
    octets.reserve(text.size() * 2);
    for (const char c : text) {
        octets.push_back(static_cast<std::uint8_t>(c));
        octets.push_back(0);
    }
    return octets;
}

}  // namespace scepgate::server::admin
