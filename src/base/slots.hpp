// SPDX-License-Identifier: BSD-2-Clause
// SlotMap<T>: objects reached by a handle of index and generation. A handle that outlived
// its object finds nothing: the only kind of reference that may cross an asynchronous
// boundary. Objects never move while they live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace rt {

struct Handle {
    std::uint32_t index = 0;
    std::uint32_t generation = 0; // 0 is no object

    bool operator==(const Handle &) const noexcept = default;
    explicit operator bool() const noexcept { return generation != 0; }
};

template <class T> class SlotMap {
public:
    SlotMap() = default;
    SlotMap(const SlotMap &) = delete;
    SlotMap &operator=(const SlotMap &) = delete;
    ~SlotMap() { clear(); }

    template <class... Args> Handle emplace(Args &&...args) {
        auto object = std::make_unique<T>(std::forward<Args>(args)...);
        if (free_ == kNone) {
            slots_.push_back(Slot{nullptr, 1, kNone});
            free_ = static_cast<std::uint32_t>(slots_.size() - 1);
        }
        const std::uint32_t index = free_;
        Slot &slot = slots_[index];
        free_ = slot.next_free;
        slot.object = std::move(object);
        ++size_;
        return {index, slot.generation};
    }

    [[nodiscard]] T *find(Handle handle) const noexcept {
        if (handle.index >= slots_.size() || slots_[handle.index].generation != handle.generation) {
            return nullptr;
        }
        return slots_[handle.index].object.get();
    }

    // Destroys the object; a handle that finds nothing is ignored.
    void erase(Handle handle) noexcept { std::unique_ptr<T> last = take(handle); }

    // Destroys all. While an object is destroyed it is found no more, the others still are.
    void clear() noexcept {
        for (std::uint32_t index = 0; index < slots_.size(); ++index) {
            erase(Handle{index, slots_[index].generation});
        }
    }

    // Takes the object out; null if the handle finds nothing.
    std::unique_ptr<T> take(Handle handle) noexcept {
        if (find(handle) == nullptr) {
            return nullptr;
        }
        Slot &slot = slots_[handle.index];
        std::unique_ptr<T> object = std::move(slot.object);
        if (++slot.generation == 0) {
            slot.generation = 1;
        }
        slot.next_free = free_;
        free_ = handle.index;
        --size_;
        return object;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // The visitor may erase any object and emplace more; whether it meets the new ones is open.
    template <class Visitor> void each(Visitor visit) {
        for (std::uint32_t index = 0; index < slots_.size(); ++index) {
            if (T *object = slots_[index].object.get(); object != nullptr) {
                visit(Handle{index, slots_[index].generation}, *object);
            }
        }
    }

private:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    struct Slot {
        std::unique_ptr<T> object;
        std::uint32_t generation;
        std::uint32_t next_free;
    };

    std::vector<Slot> slots_;
    std::uint32_t free_ = kNone;
    std::size_t size_ = 0;
};

} // namespace rt
