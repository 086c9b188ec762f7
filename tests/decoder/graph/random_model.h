#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace skald::test {

/// Words over a small alphabet, so that many are prefixes of others; A, AN, ANT and ANTS among them.
std::vector<std::string> RandomWords(std::mt19937_64& random, size_t count);

/// ARPA text of a random back-off model over `words`: n-grams of random sentences, thinned out at random,
/// with random probabilities of three decimals, some back-off weights missing, some histories that only </s>
/// continues.
std::string RandomArpa(std::mt19937_64& random, const std::vector<std::string>& words, int order);

}  // namespace skald::test
