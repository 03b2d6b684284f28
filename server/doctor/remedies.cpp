#include "server/doctor/remedies.hpp"

namespace scepgate::server::doctor {

Remedies remedies_for(Fault fault) {
    switch (fault) {
        case Fault::kLongLine:
            return {{"nginx",
                     "large_client_header_buffers 4 128k; in the first server {} of the "
                     "address and port, or in http {}"},
                    {"HAProxy", "global: tune.bufsize 147456 and tune.maxrewrite 4096"},
                    {"Apache",
                     "LimitRequestLine 131072 in the first <VirtualHost> of the address "
                     "and port"},
                    {"Caddy", "global options: servers { max_header_size 1MB }"},
                    {"IIS/ARR",
                     "requestFiltering: requestLimits maxUrl=\"65534\" "
                     "maxQueryString=\"65534\"; MaxFieldLength and MaxRequestBytes = 65534 "
                     "under HKLM\\SYSTEM\\CurrentControlSet\\Services\\HTTP\\Parameters, "
                     "then a restart of the machine"},
                    {"Web Application Proxy", "update KB3011135"}};
        case Fault::kLargeBody:
            return {{"nginx", "client_max_body_size 1m;"},
                    {"Apache", "LimitRequestBody 1048576 inside <Location \"/\">"},
                    {"Caddy", "request_body { max_size 1MB }, or none"},
                    {"HAProxy", "no http-request deny by req.body_size or req.hdr(content-length)"},
                    {"IIS/ARR", "requestLimits maxAllowedContentLength=\"1048576\" or more"}};
        case Fault::kLogin:
            return {{"Entra application proxy", "Pre Authentication: Passthrough"},
                    {"Web Application Proxy", "-ExternalPreauthentication PassThrough"},
                    {"nginx", "auth_basic off; auth_request off; in the location of the SCEP path"},
                    {"HAProxy", "no http-request auth for the SCEP path"},
                    {"Apache", "Require all granted in the <Location> of the SCEP path"},
                    {"Caddy", "no basicauth or forward_auth for the SCEP path"},
                    {"IIS", "anonymousAuthentication on for CertSrv/mscep, all others off"}};
        case Fault::kRedirect:
            return {{"nginx", "no return 301 or rewrite … redirect for the SCEP path"},
                    {"HAProxy", "redirect scheme https unless { path_beg -i /scep }"},
                    {"Apache", "no Redirect or RewriteRule [R] for the SCEP path"},
                    {"Caddy",
                     "a site address of :80 or http://NAME: with a bare name Caddy "
                     "redirects to https"},
                    {"IIS/ARR", "no HTTP Redirect and no rewrite rule of type Redirect for it"}};
        case Fault::kPath:
            return {{"nginx",
                     "location / { } or location ~* ^/scep { }, and proxy_pass without a "
                     "path"},
                    {"HAProxy", "path_beg -i /scep rather than path /scep"},
                    {"Apache",
                     "ProxyPass \"/\" \"http://…/\" nocanon; MergeSlashes Off; "
                     "AllowEncodedSlashes NoDecode"},
                    {"Caddy", "handle /scep* rather than handle /scep; path matchers ignore case"},
                    {"IIS/ARR",
                     "a rewrite pattern (.*) that keeps the rest of the path; "
                     "requestFiltering allowDoubleEscaping=\"true\""}};
        case Fault::kQuery:
            return {
                {"nginx",
                 "proxy_pass without a path, no $arg_message and no rewrite of the "
                 "query"},
                {"HAProxy", "no http-request set-query, replace-uri or normalize-uri"},
                {"Apache", "ProxyPass … nocanon; no RewriteRule on the query, or one with [NE]"},
                {"Caddy", "no uri replace and no rewrite with {query}"},
                {"IIS/ARR",
                 "appendQueryString=\"true\" without rewriting it; "
                 "allowDoubleEscaping=\"true\""}};
        case Fault::kRewrittenBody:
            return {{"Entra application proxy", "Translate URLs in Application Body: No"},
                    {"nginx", "no sub_filter"},
                    {"Apache", "no mod_substitute, mod_proxy_html or other output filter"},
                    {"IIS/ARR", "no outbound rules for the SCEP path"}};
        case Fault::kContentType:
            return {{"nginx", "charset off; no proxy_hide_header or add_header Content-Type"},
                    {"Apache", "AddDefaultCharset Off; no Header set Content-Type"},
                    {"HAProxy", "no http-response set-header Content-Type"},
                    {"Caddy", "no header Content-Type"},
                    {"IIS/ARR", "no outbound rule or custom header on Content-Type"}};
        case Fault::kCompression:
            return {{"nginx", "gzip off;"},
                    {"HAProxy", "no compression algo; or compression type without these types"},
                    {"Apache", "SetEnv no-gzip 1"},
                    {"Caddy", "no encode; transport http { compression off }"},
                    {"IIS/ARR", "urlCompression doDynamicCompression=\"false\""}};
        case Fault::kCaching:
            return {{"nginx",
                     "proxy_cache off; else no proxy_ignore_headers Cache-Control, and "
                     "proxy_cache_key with $request_uri"},
                    {"HAProxy", "no http-request cache-use for the SCEP path"},
                    {"Apache", "CacheDisable \"/\""},
                    {"IIS/ARR", "disk cache and output caching off for the SCEP path"},
                    {"a CDN", "bypass the cache for the SCEP path"}};
        case Fault::kUpstream:
            return {{"nginx", "the address in proxy_pass; proxy_read_timeout 60s;"},
                    {"HAProxy", "the server line; timeout server 60s"},
                    {"Apache", "the address in ProxyPass, with retry=0 timeout=60"},
                    {"Caddy", "the address in reverse_proxy; transport http { read_timeout 60s }"},
                    {"IIS/ARR",
                     "the server farm's address and proxy time-out; with NDES: is the "
                     "application pool SCEP running?"}};
        case Fault::kPost:
            return {{"nginx", "no limit_except GET"},
                    {"HAProxy", "no http-request deny by method"},
                    {"Apache", "no <LimitExcept GET>"},
                    {"IIS/ARR",
                     "requestFiltering: the verb POST allowed; a firewall for web "
                     "applications must let binary bodies pass"}};
        case Fault::kChunked:
            return {{"nginx", "proxy_request_buffering on; (its default)"},
                    {"HAProxy", "option http-buffer-request"},
                    {"Apache", "SetEnv proxy-sendcl 1"}};
        case Fault::kNoHost:
            return {{"nginx", "listen 80 default_server; for the site with SCEP"},
                    {"HAProxy", "default_backend, not a use_backend by Host alone"},
                    {"Apache", "the site with SCEP as the first <VirtualHost> of the address"},
                    {"Caddy", "a site address of :80 rather than a name"},
                    {"IIS/ARR", "a binding with an empty host name"}};
        case Fault::kNodes:
            return {
                {"scepgate", "the same RA certificates and keys on every node (docs/cluster.md)"},
                {"NDES", "each server has RA certificates of its own: keep a device on one"},
                {"nginx", "ip_hash; in upstream {}"},
                {"HAProxy", "balance source"},
                {"Apache", "a <Proxy balancer://…> with stickysession, which few devices follow"},
                {"Caddy", "lb_policy ip_hash"},
                {"IIS/ARR", "a server farm with one server, or with client affinity by address"}};
        case Fault::kTlsChain:
            return {{"nginx",
                     "ssl_certificate: the server's certificate, then the intermediates, in "
                     "one file"},
                    {"HAProxy", "bind … crt FILE: certificate, intermediates and key in one file"},
                    {"Apache", "SSLCertificateFile: the certificate, then the intermediates"},
                    {"Caddy", "tls CERT KEY: the intermediates in CERT"},
                    {"IIS",
                     "the intermediates in the computer's store of Intermediate Certification "
                     "Authorities"},
                    {"Entra application proxy", "a PFX with the whole chain"}};
        case Fault::kTlsName:
            return {{"nginx", "server_name with the URL's host, and its ssl_certificate"},
                    {"HAProxy", "bind … crt FOLDER with a certificate for the name"},
                    {"Apache", "ServerName or ServerAlias with the URL's host"},
                    {"Caddy", "the name as the site's address"},
                    {"IIS", "a binding with this host name and its certificate"}};
        case Fault::kTlsValidity:
            return {{"the proxy",
                     "renew the certificate, and load it again (nginx -s reload, "
                     "systemctl reload haproxy, apachectl graceful)"}};
        case Fault::kClientCertificate:
            return {{"nginx", "ssl_verify_client off;"},
                    {"HAProxy", "bind without verify optional or required"},
                    {"Apache", "SSLVerifyClient none"},
                    {"Caddy", "tls without client_auth"},
                    {"IIS",
                     "SSL Settings: Client certificates: Ignore; netsh http: "
                     "clientcertnegotiation=disable"}};
        case Fault::kTls12:
            return {{"nginx", "ssl_protocols TLSv1.2 TLSv1.3;"},
                    {"HAProxy", "bind … ssl-min-ver TLSv1.2"},
                    {"Apache", "SSLProtocol -all +TLSv1.2 +TLSv1.3"},
                    {"Caddy", "tls { protocols tls1.2 tls1.3 }"},
                    {"IIS", "SCHANNEL\\Protocols\\TLS 1.2\\Server: Enabled = 1"}};
    }
    return {};
}

}  // namespace scepgate::server::doctor
