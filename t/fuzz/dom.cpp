// SPDX-License-Identifier: BSD-2-Clause
// Any text as a document: what jansson accepts, our own validator accepts; tree and slices say
// the same; and the compact form is the same document.
#include "wire/dom.hpp"

#include "base/utf8.hpp"
#include "wire/json.hpp"

#include <cstdint>
#include <string>

using namespace rt;
using namespace rt::wire;

namespace {

constexpr DomLimits kLimits{4096, 32, 1024};

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

bool is_slice(Text part, Text whole) {
    return !part.empty() && part.data() >= whole.data() &&
           part.data() + part.size() <= whole.data() + whole.size();
}

void check_scalar(const DomNode &node) {
    const bool is_string = node.is(json::Kind::string);
    check(is_string == node.raw().starts_with('"') && (is_string || node.text().empty()));
    check(!is_string || (json::unescape(node.raw()) == node.text() && is_utf8(as_bytes(node.text()))));
    check(node.is(json::Kind::number) || !node.integer());
    check(node.boolean() == (node.raw() == "true"));
}

void check_node(const DomNode &node) {
    check(static_cast<bool>(node) && !node.is(json::Kind::none));
    check_scalar(node);
    const bool object = node.is(json::Kind::object);
    std::size_t count = 0;
    for (DomItems each(node); each.next(); ++count) {
        const DomNode value = each.value();
        check(is_slice(value.raw(), node.raw()));
        const DomNode same = object ? node.member(each.key()) : node.element(count);
        check(same.raw().data() == value.raw().data() && same.raw().size() == value.raw().size());
        check_node(value);
    }
    check(count == node.size());
}

void check_document(const Dom &dom, Text text) {
    check(is_slice(dom.root().raw(), text));
    check(static_cast<bool>(json::validate(text, kLimits.depth)));
    check_node(dom.root());
    const std::string compact = dom.root().dump();
    const Dom again = Dom::parse(compact, kLimits);
    check(again && again.root().raw() == compact && again.root().dump() == compact);
    check(compact.find('\n') == std::string::npos && compact.find('\x1E') == std::string::npos);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const Text text = as_text({data, size});
    const Dom dom = Dom::parse(text, kLimits);
    if (dom) {
        check_document(dom, text);
        return 0;
    }
    const DomFault &fault = dom.fault();
    check(fault.code != Code::ok && fault.line > 0 && fault.column <= size + 1);
    check(!fault.message.empty() && is_utf8(as_bytes(fault.message)));
    return 0;
}
