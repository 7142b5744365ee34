// SPDX-License-Identifier: BSD-2-Clause
#include "hub/attention.hpp"

namespace rt::hub {

Attention::Hold Attention::hold(Millis now) {
    if (holds_ == 0 || !directory_.attends(record_)) {
        ++era_;
        begin(now);
    } else if (until_ - now < kLease / 2) {
        const RecordRef before = record_;
        begin(now);
        era_ += directory_.let_go(before) ? 0 : 1;
    }
    ++holds_;
    return {*this, era_};
}

void Attention::begin(Millis now) {
    until_ = now + kLease;
    const Result<RecordRef> record = directory_.attend(until_);
    record_ = record ? *record : RecordRef{};
}

void Attention::let_go() {
    if (--holds_ == 0) {
        static_cast<void>(directory_.let_go(record_)); // whether it was whole was asked before
    }
}

} // namespace rt::hub
