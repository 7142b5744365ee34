// SPDX-License-Identifier: BSD-2-Clause
#include "hub/action_args.hpp"

#include "wire/sio.hpp"

#include <algorithm>
#include <string>

namespace rt::hub {

namespace {

// One word that an action knows, and the member that takes it: `key=value` once or several
// times, or a flag.
template <class Args> struct Param {
    Text key; // with its '='; a flag is the whole word
    std::variant<std::vector<Value> Args::*, std::optional<Value> Args::*, bool Args::*> slot;
};

Complaint about(Text what, Text word) {
    std::string text(what);
    text += " \"";
    text += word;
    text += '"';
    return {std::move(text)};
}

// Takes the words of one action into its options.
template <class Args> class Taker {
public:
    Taker(const CompileScope &names, std::span<const Param<Args>> params) : names_(names), params_(params) {}

    // True if the word is one of the parameters.
    bool parameter(Text word) {
        for (const Param<Args> &param : params_) {
            const bool flag = param.slot.index() == 2;
            if (flag ? word == param.key : word.starts_with(param.key)) {
                word_ = word;
                take(param, word.substr(param.key.size()));
                return true;
            }
        }
        return false;
    }

    void parameters(std::span<const Text> words) {
        for (const Text word : words) {
            if (!parameter(word)) {
                refuse(about("invalid parameter", word));
            }
        }
    }

    // The first complaint is the one that is told.
    void refuse(Complaint complaint) {
        if (!complaint_) {
            complaint_ = std::move(complaint);
        }
    }

    Value compile(Text source) {
        auto compiled = Value::compile(source, names_);
        if (auto *complaint = std::get_if<Complaint>(&compiled)) {
            refuse(std::move(*complaint));
            return {};
        }
        return std::move(*std::get_if<Value>(&compiled));
    }

    // A value that must say something.
    Value filled(Text source) {
        if (source.empty()) {
            refuse(about("empty value in", word_));
        }
        return compile(source);
    }

    Parsed<Args> result() {
        if (complaint_) {
            return std::move(*complaint_);
        }
        return std::move(args);
    }

    Args args;

private:
    void take(const Param<Args> &param, Text source) {
        if (const auto *list = std::get_if<0>(&param.slot)) {
            (args.**list).push_back(filled(source));
        } else if (const auto *once = std::get_if<1>(&param.slot)) {
            if (args.**once) {
                refuse(about("duplicate parameter", word_));
            }
            args.**once = param.key == "data=" ? compile(source) : filled(source);
        } else {
            bool &flag = args.**std::get_if<2>(&param.slot);
            if (flag) {
                refuse(about("duplicate parameter", word_));
            }
            flag = true;
        }
    }

    const CompileScope &names_;
    std::span<const Param<Args>> params_;
    Text word_;
    std::optional<Complaint> complaint_;
};

bool used(const std::vector<Value> &values, Variable kind) noexcept {
    return std::any_of(values.begin(), values.end(), [kind](const Value &value) { return value.uses(kind); });
}

bool used(const std::optional<Value> &value, Variable kind) noexcept { return value && value->uses(kind); }

// `word=…` with a name of letters that the action does not know: a slip, not a value.
bool looks_like_parameter(Text word) noexcept {
    const std::size_t at = word.find('=');
    return at != Text::npos && at != 0 &&
           std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(at),
                       [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

} // namespace

bool RequireArgs::uses(Variable kind) const noexcept {
    return used(values, kind) || used(error, kind) || used(message, kind);
}

bool RoomArgs::uses(Variable kind) const noexcept { return room.uses(kind) || used(when, kind); }

bool EmitArgs::uses(Variable kind) const noexcept {
    return event.uses(kind) || used(to, kind) || used(users, kind) || used(except, kind) ||
           used(data, kind) || used(when, kind);
}

bool RelayArgs::uses(Variable kind) const noexcept { return used(to, kind); }

Parsed<RequireArgs> parse_require(const Words &words) {
    static constexpr Param<RequireArgs> kParams[] = {
        {"error=", &RequireArgs::error},
        {"message=", &RequireArgs::message},
    };
    Taker<RequireArgs> taker(words.names, kParams);
    for (const Text word : words.all) {
        if (taker.parameter(word)) {
            continue;
        }
        if (looks_like_parameter(word)) {
            taker.refuse(about("invalid parameter", word));
        }
        taker.args.values.push_back(taker.compile(word));
    }
    if (taker.args.values.empty()) {
        taker.refuse({"no value to require"});
    }
    return taker.result();
}

Parsed<RoomArgs> parse_room(const Words &words) {
    static constexpr Param<RoomArgs> kParams[] = {
        {"when=", &RoomArgs::when},
        {"trusted", &RoomArgs::trusted},
    };
    Taker<RoomArgs> taker(words.names, kParams);
    taker.args.room = taker.filled(words.all[0]);
    taker.parameters(words.all.subspan(1));
    return taker.result();
}

Parsed<EmitArgs> parse_emit(const Words &words) {
    static constexpr Param<EmitArgs> kParams[] = {
        {"to=", &EmitArgs::to},
        {"user=", &EmitArgs::users},
        {"all", &EmitArgs::all},
        {"except=sender", &EmitArgs::except_sender},
        {"except=", &EmitArgs::except},
        {"data=", &EmitArgs::data},
        {"volatile", &EmitArgs::is_volatile},
        {"when=", &EmitArgs::when},
    };
    Taker<EmitArgs> taker(words.names, kParams);
    EmitArgs &args = taker.args;
    args.event = taker.filled(words.all[0]);
    taker.parameters(words.all.subspan(1));
    if (wire::sio::is_reserved(words.all[0])) {
        taker.refuse(about("reserved event", words.all[0]));
    }
    if (args.all && !(args.to.empty() && args.users.empty())) {
        taker.refuse({"\"all\" excludes \"to=\" and \"user=\""});
    }
    if (!args.has_target() && (args.except_sender || !args.except.empty())) {
        taker.refuse({"\"except=\" needs \"to=\", \"user=\" or \"all\""});
    }
    if (!args.has_target() && words.place == Place::disconnect) {
        taker.refuse({"no sender in \"disconnect\": \"emit\" needs \"to=\", \"user=\" or \"all\""});
    }
    return taker.result();
}

Parsed<RelayArgs> parse_relay(const Words &words) {
    static constexpr Param<RelayArgs> kParams[] = {
        {"to=", &RelayArgs::to},
        {"except=sender", &RelayArgs::except_sender},
    };
    Taker<RelayArgs> taker(words.names, kParams);
    taker.parameters(words.all);
    return taker.result();
}

Parsed<AckArgs> parse_ack(const Words &words) {
    Taker<AckArgs> taker(words.names, {});
    taker.args.value = taker.compile(words.all[0]);
    return taker.result();
}

Parsed<CloseArgs> parse_close(const Words &words) {
    static constexpr Param<CloseArgs> kParams[] = {
        {"connection", &CloseArgs::connection},
    };
    Taker<CloseArgs> taker(words.names, kParams);
    if (!words.all.empty() && words.all[0] != "namespace") {
        taker.parameters(words.all);
    }
    return taker.result();
}

} // namespace rt::hub
