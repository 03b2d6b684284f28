#include "server/cli/ca_publication.hpp"

#include <cctype>

namespace scepgate::server::cli {
namespace {

using Json = nlohmann::ordered_json;

/// "/crl/lab.crl" to "/crl/NAME.crl", in a path or a URL.
std::string renamed(const std::string& path, const std::string& name) {
    return path.substr(0, path.rfind('/') + 1) + name + ".crl";
}

bool is_hexadecimal(char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

/// AD CS's variables name the CA themselves.
bool has_variables(const std::string& url) {
    for (std::size_t i = 0; i + 1 < url.size(); ++i) {
        const bool hexadecimal =
            i + 2 < url.size() && is_hexadecimal(url[i + 1]) && is_hexadecimal(url[i + 2]);
        if (url[i] == '<' || (url[i] == '%' && !hexadecimal)) return true;
    }
    return false;
}

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

class Publisher {
public:
    Publisher(const Json& model, std::string model_name, const std::string& name)
        : model_(model), model_name_(std::move(model_name)), name_(name) {}

    CaPublication make() {
        Json& members = made_.members;
        for (const char* key : {"dns_name", "config_dn", "ocsp_urls"}) {
            if (model_.contains(key)) members[key] = model_[key];
        }
        const Json crl = model_.value("crl", Json());
        path_ = text_of(crl, "path");
        if (crl.is_object()) {
            for (const char* key : {"period", "overlap"}) {
                if (crl.contains(key)) members["crl"][key] = crl[key];
            }
            if (!path_.empty()) members["crl"]["path"] = renamed(path_, name_);
        }
        add_urls();
        if (model_.contains("ocsp")) members["ocsp"] = model_["ocsp"];
        for (const char* key : {"ca_issuers_urls", "freshest_crl_urls"}) {
            if (model_.contains(key)) left_out(key);
        }
        return std::move(made_);
    }

private:
    void add_urls() {
        if (!model_.contains("crl_urls") || !model_["crl_urls"].is_array()) return;
        Json urls = Json::array();
        for (const Json& each : model_["crl_urls"]) {
            const std::string url = each.is_string() ? each.get<std::string>() : "";
            const std::string own = "/" + model_name_ + ".crl";
            const bool at_path = !path_.empty() && url.ends_with(path_);
            if (at_path) {
                urls.push_back(url.substr(0, url.size() - path_.size()) + renamed(path_, name_));
            } else if (url.ends_with(own)) {
                urls.push_back(renamed(url, name_));
            } else {
                left_out("crl_urls");
                if (has_variables(url) && !path_.empty())
                    made_.notes.back() += ", and the crl.path that they lead to";
            }
        }
        if (!urls.empty()) made_.members["crl_urls"] = std::move(urls);
    }

    void left_out(const std::string& key) {
        made_.notes.push_back(key + " of '" + model_name_ + "' cannot be carried over: give '" +
                              name_ + "' its own (docs/ca-urls.md)");
    }

    const Json& model_;
    std::string model_name_;
    const std::string& name_;
    std::string path_;
    CaPublication made_;
};

}  // namespace

CaPublication publication_like(const ConfigLock& lock, std::string model, const std::string& name) {
    const Json config = Json::parse(lock.text(), nullptr, false, true);
    const Json cas = config.is_object() ? config.value("cas", Json::object()) : Json::object();
    for (const auto& [other, entry] : cas.items()) {
        if (model.empty() && entry.is_object() && entry.contains("crl_urls")) model = other;
    }
    const auto found = cas.find(model);
    if (found != cas.end() && found->is_object()) return Publisher(*found, model, name).make();
    return {Json::object(),
            {"its certificates will name neither a CRL nor an OCSP responder: before it issues, "
             "give it crl, ocsp and URLs (docs/revocation.md)"}};
}

}  // namespace scepgate::server::cli
