// SPDX-License-Identifier: BSD-2-Clause
// The words of actions: what they become, and the complaint for each that is wrong.
#include "hub/action_args.hpp"

#include "hub/scope.hpp"
#include "tap.hpp"

#include <algorithm>
#include <sstream>

using namespace rt;
using namespace rt::hub;
using rt::test::is;
using rt::test::ok;

namespace {

// Words between single spaces; '~' stands for a space inside a word, '' for an empty one.
std::vector<std::string> split(const std::string &line) {
    std::vector<std::string> words;
    std::istringstream in(line);
    for (std::string word; in >> word;) {
        std::replace(word.begin(), word.end(), '~', ' ');
        words.push_back(word == "''" ? "" : word);
    }
    return words;
}

// Keeps what Words only views.
struct Line {
    explicit Line(const char *line, Place where) : place(where), texts(split(line)) {
        views.assign(texts.begin() + 1, texts.end());
    }

    [[nodiscard]] Words words() const { return {views, scope, place}; }

    Place place;
    std::vector<std::string> texts;
    std::vector<Text> views;
    std::vector<std::string> captured;
    CompileScope scope{&captured, nullptr, nullptr};
};

struct Refusal {
    const char *line;
    const char *complaint; // "" if it is good
    Place place = Place::event;
};

constexpr Refusal kRefusals[] = {
    {"ack $realtime_args", ""},
    {"ack ''", ""},
    {"ack", "invalid number of arguments in \"ack\" directive"},
    {"ack 1 2", "invalid number of arguments in \"ack\" directive"},
    {"ack 1", "\"ack\" directive is not allowed in \"connect\"", Place::connect},
    {"ack 1", "\"ack\" directive is not allowed in \"disconnect\"", Place::disconnect},
    {"ack $realtime_nothing", "unknown variable \"realtime_nothing\""},
    {"close", ""},
    {"close namespace", ""},
    {"close connection", "", Place::connect},
    {"close door", "invalid parameter \"door\""},
    {"close connection now", "invalid number of arguments in \"close\" directive"},
    {"close", "\"close\" directive is not allowed in \"disconnect\"", Place::disconnect},
    {"emit x", ""},
    {"emit x", "no sender in \"disconnect\": \"emit\" needs \"to=\", \"user=\" or \"all\"",
     Place::disconnect},
    {"emit x all", "", Place::disconnect},
    {"emit x user=7", "", Place::disconnect},
    {"emit x to=a to=$realtime_data_room user=7 except=sender except=b data= volatile when=$arg_x", ""},
    {"emit", "invalid number of arguments in \"emit\" directive"},
    {"emit ''", "empty value in \"\""},
    {"emit x to=", "empty value in \"to=\""},
    {"emit x when=", "empty value in \"when=\""},
    {"emit x room=a", "invalid parameter \"room=a\""},
    {"emit x a", "invalid parameter \"a\""},
    {"emit x all all", "duplicate parameter \"all\""},
    {"emit x data=1 data=2", "duplicate parameter \"data=2\""},
    {"emit x to=a except=sender except=sender", "duplicate parameter \"except=sender\""},
    {"emit x all to=a", "\"all\" excludes \"to=\" and \"user=\""},
    {"emit x except=sender", "\"except=\" needs \"to=\", \"user=\" or \"all\""},
    {"emit x to=$", "invalid variable name in \"$\""},
    {"emit x to=$ room=a", "invalid variable name in \"$\""},
    {"emit disconnect all", "reserved event \"disconnect\""},
    {"join a", "", Place::connect},
    {"join a when=$realtime_user trusted", ""},
    {"join a untrusted", "invalid parameter \"untrusted\""},
    {"join", "invalid number of arguments in \"join\" directive"},
    {"join ''", "empty value in \"\""},
    {"join a", "\"join\" directive is not allowed in \"disconnect\"", Place::disconnect},
    {"leave a", ""},
    {"leave a", "\"leave\" directive is not allowed in \"disconnect\"", Place::disconnect},
    {"relay", ""},
    {"relay to=a except=sender", ""},
    {"relay except=a", "invalid parameter \"except=a\""},
    {"relay all", "invalid parameter \"all\""},
    {"relay", "\"relay\" directive is not allowed in \"connect\"", Place::connect},
    {"require $realtime_user", "", Place::connect},
    {"require $realtime_user 1 error=auth message=log~in", "", Place::disconnect},
    {"require error=x", "no value to require"},
    {"require 1 error=x error=y", "duplicate parameter \"error=y\""},
    {"require 1 eror=x", "invalid parameter \"eror=x\""},
    {"require", "invalid number of arguments in \"require\" directive"},
};

void refusals() {
    for (const Refusal &one : kRefusals) {
        const Line line(one.line, one.place);
        const ActionKind *kind = find_action(line.texts[0]);
        if (!ok(kind != nullptr, std::string(one.line) + ": is an action")) {
            continue;
        }
        const MadeAction made = make_action(*kind, line.words());
        const auto *complaint = std::get_if<Complaint>(&made);
        is(complaint != nullptr ? complaint->text : "", one.complaint, std::string(one.line) + ": complaint");
    }
}

template <class Args> Args parsed(Parsed<Args> result) { return std::move(*std::get_if<Args>(&result)); }

std::string texts(const std::vector<Value> &values) {
    std::string out;
    for (const Value &value : values) {
        out += value.text(Scope{}) + ";";
    }
    return out;
}

std::string text(const std::optional<Value> &value) { return value ? value->text(Scope{}) : "(none)"; }

void options() {
    const Line emit("emit x to=a user=7 to=b except=sender except=c data= volatile when=1", Place::event);
    const auto one = parsed(parse_emit(emit.words()));
    is(one.event.text(Scope{}), "x", "emit: event");
    is(texts(one.to), "a;b;", "emit: rooms");
    is(texts(one.users), "7;", "emit: users");
    is(texts(one.except), "c;", "emit: except");
    is(text(one.data), "", "emit: empty data is data");
    is(text(one.when), "1", "emit: when");
    ok(one.except_sender && one.is_volatile && !one.all && one.has_target(), "emit: flags");
    const Line none("emit x", Place::event);
    const auto bare = parsed(parse_emit(none.words()));
    ok(!bare.has_target() && !bare.data && !bare.when, "emit: to the sender, without data");

    const Line relay("relay to=a except=sender", Place::event);
    const auto two = parsed(parse_relay(relay.words()));
    ok(texts(two.to) == "a;" && two.except_sender, "relay");

    const Line join("join a when=0 trusted", Place::event);
    const auto three = parsed(parse_room(join.words()));
    ok(three.room.text(Scope{}) == "a" && text(three.when) == "0" && three.trusted, "join");

    const Line require("require 1 a=b= error=code message=some~words", Place::event);
    const auto refused = parse_require(require.words());
    ok(std::holds_alternative<Complaint>(refused), "require: a=b= is a slip");
    const Line good("require 1 $realtime_user=x error=code message=some~words", Place::event);
    const auto four = parsed(parse_require(good.words()));
    is(texts(four.values), "1;=x;", "require: values");
    is(text(four.error) + "/" + text(four.message), "code/some words", "require: words of the refusal");

    const Line close("close connection", Place::event);
    ok(parsed(parse_close(close.words())).connection, "close: the connection");
    const Line leave("close namespace", Place::event);
    ok(!parsed(parse_close(leave.words())).connection, "close: the namespace");
}

void usage() {
    constexpr std::pair<const char *, bool> cases[] = {
        {"ack $realtime_auth_x", true},
        {"ack $realtime_data_x", false},
        {"emit $realtime_auth", true},
        {"emit x to=$realtime_auth_a", true},
        {"emit x user=$realtime_auth_a", true},
        {"emit x all except=$realtime_auth_a", true},
        {"emit x data=$realtime_auth_a", true},
        {"emit x when=$realtime_auth_a", true},
        {"emit x all", false},
        {"join $realtime_auth_a", true},
        {"leave x when=$realtime_auth_a", true},
        {"relay to=$realtime_auth_a", true},
        {"require $realtime_auth_a", true},
        {"require 1 error=$realtime_auth_a", true},
        {"require 1 message=$realtime_auth_a", true},
        {"close", false},
    };
    for (const auto &[words, expected] : cases) {
        const Line line(words, Place::event);
        MadeAction made = make_action(*find_action(line.texts[0]), line.words());
        auto *action = std::get_if<std::unique_ptr<const Action>>(&made);
        if (ok(action != nullptr, std::string(words) + ": is good")) {
            is((*action)->uses(Variable::auth), expected, std::string(words) + ": keeps the auth");
        }
    }
}

void table() {
    const auto kinds = action_kinds();
    ok(std::is_sorted(kinds.begin(), kinds.end(),
                      [](const auto &a, const auto &b) { return a.name < b.name; }),
       "the table is in alphabetical order");
    ok(find_action("nonsense") == nullptr, "no such action");
}

} // namespace

int main() {
    refusals();
    options();
    usage();
    table();
    return rt::test::done();
}
