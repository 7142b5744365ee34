// SPDX-License-Identifier: BSD-2-Clause
// Who is silent, and who only was not looked at.
#include "cluster/silence.hpp"

#include "tap.hpp"

using namespace rt;
using cluster::Silence;
using test::done;
using test::is;

int main() {
    const shm::SeatRef one{1, 1};
    const shm::SeatRef other{1, 2};
    Silence silence;
    is(silence.look(one, 1000, 1250), Millis{250}, "from the beat on");
    is(silence.look(one, 1000, 1500), Millis{500}, "as long as it does not change");
    is(silence.look(one, 1000, 1500), Millis{500}, "two looks at once count once");
    is(silence.look(one, 1000, 9000), Millis{500 + Silence::kMost},
       "while this worker stood still it saw nothing");
    is(silence.look(one, 9100, 9150), Millis{50}, "a beat ends it");
    is(silence.look(other, 9100, 9200), Millis{100}, "another worker is another");
    is(silence.look(one, 500, 20000), Millis{Silence::kMost}, "a first look after a long time");
    is(silence.look(one, 20100, 20050), Millis{0}, "a beat between the clock and the look is no silence");
    return done();
}
