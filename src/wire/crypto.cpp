// SPDX-License-Identifier: BSD-2-Clause
#include "wire/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace rt::wire {

Result<Sha1> sha1(Bytes data) {
    Sha1 digest;
    if (EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1) {
        return {Code::unavailable, "the crypto library refuses SHA-1"};
    }
    return digest;
}

Result<Sha256> sha256(Bytes data) {
    Sha256 digest;
    if (EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        return {Code::unavailable, "the crypto library has no SHA-256"};
    }
    return digest;
}

bool equal_secret(Bytes a, Bytes b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace rt::wire
