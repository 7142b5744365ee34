// SPDX-License-Identifier: BSD-2-Clause
// The core's log lines in nginx's error log.
#pragma once

#include "base/ports.hpp"
#include "ngx/ngx.hpp"

namespace rt::ngx {

class CoreLog final : public Log {
public:
    explicit CoreLog(ngx_log_t *log) noexcept : log_(log) {}

    void write(Level level, Text line) override {
        ngx_log_error(severity(level), log_, 0, "realtime: %*s", line.size(), line.data());
    }

    [[nodiscard]] bool enabled(Level level) const noexcept override {
        return log_->log_level >= severity(level);
    }

private:
    static ngx_uint_t severity(Level level) noexcept {
        switch (level) {
        case Level::alert:
            return NGX_LOG_ALERT;
        case Level::error:
            return NGX_LOG_ERR;
        case Level::warn:
            return NGX_LOG_WARN;
        case Level::notice:
            return NGX_LOG_NOTICE;
        case Level::info:
            return NGX_LOG_INFO;
        case Level::debug:
            break;
        }
        return NGX_LOG_DEBUG;
    }

    ngx_log_t *log_;
};

} // namespace rt::ngx
