// SPDX-License-Identifier: BSD-2-Clause
// An intrusive, circular, doubly linked list. An object may stand in as many lists as it
// has Link bases (told apart by Tag); it leaves its list when it is destroyed.
#pragma once

namespace rt {

template <class Tag> class Link {
public:
    Link() noexcept : next_(this), prev_(this) {}
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;
    ~Link() { unlink(); }

    [[nodiscard]] bool linked() const noexcept { return next_ != this; }

    void unlink() noexcept {
        next_->prev_ = prev_;
        prev_->next_ = next_;
        next_ = prev_ = this;
    }

private:
    template <class T, class U> friend class List;

    Link *next_;
    Link *prev_;
};

// T derives from Link<Tag>. The list owns nothing.
template <class T, class Tag> class List {
public:
    List() = default;
    List(const List &) = delete;
    List &operator=(const List &) = delete;

    ~List() {
        while (!empty()) {
            root_.next_->unlink();
        }
    }

    [[nodiscard]] bool empty() const noexcept { return !root_.linked(); }
    [[nodiscard]] T &front() const noexcept { return static_cast<T &>(*root_.next_); } // not while empty

    // Moves the object here if it stands in another list of this kind.
    void push_back(T &object) noexcept {
        Link<Tag> &link = object;
        link.unlink();
        link.prev_ = root_.prev_;
        link.next_ = &root_;
        root_.prev_->next_ = &link;
        root_.prev_ = &link;
    }

    // The visitor may unlink or destroy the object it is given, and no other.
    template <class Visitor> void each(Visitor visit) {
        for (Link<Tag> *link = root_.next_; link != &root_;) {
            Link<Tag> *next = link->next_;
            visit(static_cast<T &>(*link));
            link = next;
        }
    }

private:
    Link<Tag> root_;
};

} // namespace rt
