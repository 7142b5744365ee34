// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/client_bundle.hpp"

#include "ngx/respond.hpp"

#include <algorithm>
#include <string>

namespace rt::ngx {

namespace {

Text last_segment(Text uri) noexcept { return uri.substr(uri.rfind('/') + 1); }

// Only letters, digits, dots and dashes: no way out of the directory.
bool is_bundle_name(Text name) {
    return name.starts_with("socket.io.") && (name.ends_with(".js") || name.ends_with(".js.map")) &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
           });
}

ngx_int_t open_file(ngx_http_request_t *r, ngx_str_t &path, ngx_open_file_info_t &file) {
    auto *core =
        static_cast<ngx_http_core_loc_conf_t *>(ngx_http_get_module_loc_conf(r, ngx_http_core_module));
    file = {};
    file.directio = core->directio;
    file.valid = core->open_file_cache_valid;
    file.min_uses = core->open_file_cache_min_uses;
    file.errors = core->open_file_cache_errors;
    file.events = core->open_file_cache_events;
    if (ngx_open_cached_file(core->open_file_cache, &path, &file, r->pool) == NGX_OK && file.is_file != 0) {
        return NGX_OK;
    }
    ngx_log_error(NGX_LOG_ERR, r->connection->log, file.err, "realtime_serve_client: %s \"%V\" failed",
                  file.failed != nullptr ? file.failed : "open()", &path);
    return NGX_HTTP_NOT_FOUND;
}

ngx_int_t send_head(ngx_http_request_t *r, const ngx_open_file_info_t &file, Text name) {
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = file.size;
    r->headers_out.last_modified_time = file.mtime;
    r->headers_out.content_type =
        to_ngx_str(name.ends_with(".map") ? Text("application/json") : Text("application/javascript"));
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    if (ngx_http_set_etag(r) != NGX_OK || !add_header(r, "Cache-Control", "public, max-age=0")) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    r->allow_ranges = 1;
    return ngx_http_send_header(r);
}

} // namespace

bool is_client_bundle(const ngx_http_request_t *r, const LocationConf &conf) {
    return !conf.serve_client.empty() && is_bundle_name(last_segment(to_text(r->uri)));
}

ngx_int_t send_client_bundle(ngx_http_request_t *r, const LocationConf &conf) {
    if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0) {
        return NGX_HTTP_NOT_ALLOWED;
    }
    const Text name = last_segment(to_text(r->uri));
    ngx_str_t path = copy_text(r->pool, conf.serve_client + "/" + std::string(name));
    ngx_open_file_info_t file;
    if (path.data == nullptr) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (const ngx_int_t rc = open_file(r, path, file); rc != NGX_OK) {
        return rc;
    }
    auto *buffer = static_cast<ngx_buf_t *>(ngx_calloc_buf(r->pool));
    auto *in_file = static_cast<ngx_file_t *>(ngx_pcalloc(r->pool, sizeof(ngx_file_t)));
    if (buffer == nullptr || in_file == nullptr) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    const ngx_int_t rc = send_head(r, file, name);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only != 0) {
        return rc;
    }
    in_file->fd = file.fd;
    in_file->name = path;
    in_file->log = r->connection->log;
    in_file->directio = file.is_directio;
    buffer->file = in_file;
    buffer->file_last = file.size;
    buffer->in_file = file.size > 0 ? 1 : 0;
    buffer->last_buf = r == r->main ? 1 : 0;
    buffer->last_in_chain = 1;
    ngx_chain_t out{buffer, nullptr};
    return ngx_http_output_filter(r, &out);
}

} // namespace rt::ngx
