// SPDX-License-Identifier: BSD-2-Clause
// Variables that any location may use. (docs/directives.md, Variables)
#pragma once

#include "ngx/ngx.hpp"

namespace rt::ngx {

// ngx_http_module_t::preconfiguration
ngx_int_t add_variables(ngx_conf_t *cf) noexcept;

} // namespace rt::ngx
