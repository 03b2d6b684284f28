// Mutations that keep ASN.1 together: lengths fit again after each, so that what a fuzzer changes
// deep inside reaches the code that reads it.
#pragma once

#include <functional>

#include "fuzz/der_tree.hpp"

namespace scepgate::fuzz {

/// What is done to a tree after its mutation: signing it anew, for one.
using Repair = std::function<void(std::vector<TlvNode>&)>;

/// As LLVMFuzzerCustomMutator: mutates `data` in place and returns its new size. What is not a row
/// of elements, and one input in eight, gets the engine's own mutations.
std::size_t mutate_der(std::uint8_t* data, std::size_t size, std::size_t maximum, unsigned seed,
                       const Repair& repair = {});

/// As LLVMFuzzerCustomCrossOver: `data1` with an element of `data2` in place of one of its own; 0
/// when that cannot be.
std::size_t cross_over_der(ByteView data1, ByteView data2, std::uint8_t* out, std::size_t maximum,
                           unsigned seed);

}  // namespace scepgate::fuzz
