// SPDX-License-Identifier: BSD-2-Clause
// The mutex of a zone's slab pool as the lock of the region in it: the one lock in shared
// memory that nginx's master releases when its holder dies.
#pragma once

#include "ngx/ngx.hpp"
#include "shm/arena.hpp"

namespace rt::ngx {

class ZoneLock final : public shm::Lock {
public:
    explicit ZoneLock(const ngx_shm_zone_t &zone) noexcept : pool_(pool_of(zone)) {}

    void lock() noexcept override { ngx_shmtx_lock(&pool_.mutex); }
    void unlock() noexcept override { ngx_shmtx_unlock(&pool_.mutex); }

    static ngx_slab_pool_t &pool_of(const ngx_shm_zone_t &zone) noexcept {
        return *static_cast<ngx_slab_pool_t *>(static_cast<void *>(zone.shm.addr));
    }

private:
    ngx_slab_pool_t &pool_;
};

} // namespace rt::ngx
