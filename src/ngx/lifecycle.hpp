// SPDX-License-Identifier: BSD-2-Clause
// What nginx tells the module about its processes. The master calls on_init_module for every
// configuration that is final, `nginx -t` too: there it has no outside effect.
#pragma once

#include "ngx/ngx.hpp"

namespace rt::ngx {

// The only place that may write globals (decisions.md, ruling 26). NGX_ERROR ends the master.
ngx_int_t on_init_module(ngx_cycle_t *cycle) noexcept;
ngx_int_t on_init_process(ngx_cycle_t *cycle) noexcept;
void on_exit_process(ngx_cycle_t *cycle) noexcept;

} // namespace rt::ngx
