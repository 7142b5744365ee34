// SPDX-License-Identifier: BSD-2-Clause
// Where the connections that hear other hosts lie for the next worker that holds the bridge:
// duplicates of their descriptors, in a pair of sockets that all processes inherit. They outlive the
// worker that made them, and so do the connections.
#pragma once

#include "base/fn.hpp"
#include "ngx/ngx.hpp"

#include <span>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace rt::ngx {

// Of a label: a digest of how a connection came about, so that there is room for any.
inline constexpr std::size_t kBoxLabel = 32;

// A connection to be put in: that of the bridge, at place 0, or one to a node of a Cluster.
struct BoxItem {
    unsigned place = 0; // shm::BridgeTable::set_torn()
    std::string node;   // empty: the bridge's own
    int socket = -1;    // stays the caller's
};

// One that lay there: a duplicate, which is closed unless it is released.
class Boxed {
public:
    Boxed(std::string node, unsigned place, int descriptor) noexcept
        : node_(std::move(node)), place_(place), descriptor_(descriptor) {}
    Boxed(Boxed &&other) noexcept
        : node_(std::move(other.node_)), place_(other.place_), descriptor_(other.release()) {}
    Boxed(const Boxed &) = delete;
    Boxed &operator=(const Boxed &) = delete;
    ~Boxed() {
        if (descriptor_ != -1) {
            ::close(descriptor_);
        }
    }

    [[nodiscard]] const std::string &node() const noexcept { return node_; }
    [[nodiscard]] unsigned place() const noexcept { return place_; }
    [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

private:
    std::string node_;
    unsigned place_;
    int descriptor_;
};

// One box for each application that has ever had a Redis; by the master, in init_module. False:
// logged.
[[nodiscard]] bool open_box(Text app, ngx_log_t *log) noexcept;

// Puts duplicates of them in, in place of what is there. Who takes them goes on only with the same
// label; without one nothing is put in. False: nobody will find them there.
[[nodiscard]] bool put_in_box(Text app, std::span<const BoxItem> items, Text label);

// The connections end with the last process that has them.
void empty_box(Text app) noexcept;

// Of all applications that `is_used` does not name: a configuration without them has come.
void empty_unused_boxes(Fn<bool(Text app)> is_used);

// Duplicates of what is there, which stays there: the caller may die before all is well. Empty:
// nothing is there, or it has another label, and the box is emptied.
[[nodiscard]] std::vector<Boxed> look_into_box(Text app, Text label);

} // namespace rt::ngx
