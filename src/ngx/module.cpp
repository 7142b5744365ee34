// SPDX-License-Identifier: BSD-2-Clause
// The two modules of the library as nginx sees them.
#include "ngx/conf.hpp"
#include "ngx/directives.hpp"
#include "ngx/lifecycle.hpp"
#include "ngx/variables.hpp"

namespace {

ngx_http_module_t http_context = {
    rt::ngx::add_variables,
    rt::ngx::finish_conf,
    rt::ngx::create_main_conf,
    nullptr, // init main
    nullptr, // create server
    nullptr, // merge server
    rt::ngx::create_location_conf,
    rt::ngx::merge_location_conf,
};

// A core module: its init_conf is the first moment after the whole file was read, and the
// last at which a bad configuration is refused without an end to the running one.
ngx_core_module_t rules_context = {
    ngx_string("realtime_rules"),
    nullptr, // create
    rt::ngx::check_whole_conf,
};

} // namespace

ngx_module_t ngx_http_realtime_module = {
    NGX_MODULE_V1,
    &http_context,
    rt::ngx::http_directives,
    NGX_HTTP_MODULE,
    nullptr, // init master
    rt::ngx::on_init_module,
    rt::ngx::on_init_process,
    nullptr, // init thread
    nullptr, // exit thread
    rt::ngx::on_exit_process,
    nullptr, // exit master
    NGX_MODULE_V1_PADDING,
};

ngx_module_t ngx_realtime_rules_module = {
    NGX_MODULE_V1,
    &rules_context,
    rt::ngx::app_directives,
    NGX_CORE_MODULE,
    nullptr, // init master
    nullptr, // init module
    nullptr, // init process
    nullptr, // init thread
    nullptr, // exit thread
    nullptr, // exit process
    nullptr, // exit master
    NGX_MODULE_V1_PADDING,
};
