// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/conf_words.hpp"

#include <algorithm>
#include <array>

namespace rt::ngx {

std::vector<Text> words_of(const ngx_conf_t *cf) {
    const auto *words = static_cast<const ngx_str_t *>(cf->args->elts);
    std::vector<Text> texts;
    for (ngx_uint_t i = 0; i < cf->args->nelts; ++i) {
        texts.push_back(to_text(words[i]));
    }
    return texts;
}

std::vector<Text> arguments_of(const ngx_conf_t *cf) {
    std::vector<Text> words = words_of(cf);
    words.erase(words.begin());
    return words;
}

Where here(const ngx_conf_t *cf) noexcept {
    if (cf->conf_file == nullptr) {
        return {};
    }
    return {cf->conf_file->file.name, cf->conf_file->line};
}

char *refuse(ngx_conf_t *cf, Text complaint) noexcept {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%*s", complaint.size(), complaint.data());
    return conf_error();
}

void warn(ngx_conf_t *cf, Text words) noexcept {
    ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "%*s", words.size(), words.data());
}

char *duplicate() noexcept {
    static char words[] = "is duplicate";
    return words;
}

void complain_at(ngx_uint_t level, ngx_log_t *log, const Where &where, Text words) noexcept {
    if (where.line == 0) {
        ngx_log_error(level, log, 0, "%*s", words.size(), words.data());
    } else {
        ngx_log_error(level, log, 0, "%*s in %V:%ui", words.size(), words.data(), &where.file, where.line);
    }
}

char *invalid(ngx_conf_t *cf, Text word, Text wanted) {
    std::string text = "invalid value " + quoted(word) + " in " + quoted(words_of(cf)[0]) + " directive";
    if (!wanted.empty()) {
        text += ", it must be ";
        text += wanted;
    }
    return refuse(cf, text);
}

std::string quoted(Text word) {
    std::string text = "\"";
    text += word;
    text += '"';
    return text;
}

char *read_block(ngx_conf_t *cf, void *ctx, ngx_uint_t place) {
    const ngx_conf_t outside = *cf;
    cf->ctx = ctx;
    cf->module_type = NGX_CORE_MODULE;
    cf->cmd_type = place;
    char *result = ngx_conf_parse(cf, nullptr);
    *cf = outside;
    return result;
}

bool is_block_name(Text name) noexcept {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

std::optional<Millis> parse_time(Text word) noexcept {
    ngx_str_t text = to_ngx_str(word);
    const ngx_int_t time = word.empty() ? NGX_ERROR : ngx_parse_time(&text, 0);
    if (time == NGX_ERROR || time > INT32_MAX) {
        return std::nullopt;
    }
    return time;
}

std::optional<std::size_t> parse_size(Text word) noexcept {
    ngx_str_t text = to_ngx_str(word);
    const ssize_t size = word.empty() ? NGX_ERROR : ngx_parse_size(&text);
    if (size == NGX_ERROR) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(size);
}

std::string size_text(std::size_t size) {
    struct Unit {
        std::size_t bytes;
        const char *letter;
    };
    constexpr std::array<Unit, 2> units = {{{std::size_t{1} << 20, "m"}, {std::size_t{1} << 10, "k"}}};
    for (const Unit &unit : units) {
        if (size != 0 && size % unit.bytes == 0) {
            return std::to_string(size / unit.bytes) + unit.letter;
        }
    }
    return std::to_string(size);
}

} // namespace rt::ngx
