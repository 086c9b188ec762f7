// Runs a target where there is no libFuzzer: every seed of a folder, then mutations of them.
//     TARGET SEEDS [--mutations N] [--seed S]
// A mutation that fails is written to the file crash-S-N, which is removed when it passes; TARGET FILE runs
// one file.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz/fuzz_target.h"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

constexpr size_t kMaxBytes = 64 << 10;

Bytes ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Changes bytes in the ways in which files go wrong: bits, runs, lengths, numbers at their limits, parts of
/// another seed.
class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  Bytes Mutate(const std::vector<Bytes>& seeds) {
    Bytes bytes = seeds[Below(seeds.size())];
    for (size_t change = 1 + Below(6); change > 0; --change) ChangeOnce(seeds, &bytes);
    if (bytes.size() > kMaxBytes) bytes.resize(kMaxBytes);
    return bytes;
  }

 private:
  size_t Below(size_t end) { return end == 0 ? 0 : random_() % end; }

  void ChangeOnce(const std::vector<Bytes>& seeds, Bytes* bytes) {
    const size_t at = Below(bytes->size());
    const size_t length = std::min(bytes->size() - at, 1 + Below(Below(4) == 0 ? 256 : 8));
    const auto begin = bytes->begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(length);
    switch (Below(8)) {
      case 0:
        if (!bytes->empty()) (*bytes)[at] ^= static_cast<uint8_t>(1u << Below(8));
        return;
      case 1:
        for (auto byte = begin; byte != end; ++byte) *byte = static_cast<uint8_t>(random_());
        return;
      case 2:
        bytes->erase(begin, end);
        return;
      case 3: {
        const Bytes copy(begin, end);
        bytes->insert(begin, copy.begin(), copy.end());
        return;
      }
      case 4:
        bytes->resize(at);
        return;
      case 5: {  // a number of 1 to 8 bytes at one of its limits
        static constexpr uint64_t kLimits[] = {0,          1,          0x7f,       0x80,      0xff,
                                               0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX};
        const uint64_t limit = kLimits[Below(std::size(kLimits))];
        std::memcpy(bytes->data() + at, &limit, std::min(bytes->size() - at, size_t{1} << Below(4)));
        return;
      }
      case 6: {
        const Bytes& other = seeds[Below(seeds.size())];
        const size_t from = Below(other.size());
        const size_t count = std::min(other.size() - from, 1 + Below(64));
        bytes->insert(begin, other.begin() + static_cast<std::ptrdiff_t>(from),
                      other.begin() + static_cast<std::ptrdiff_t>(from + count));
        return;
      }
      default: {
        static constexpr const char* kWords[] = {
            "\n", "\t", " ", "-",    "nan", "inf", "1e999",  "-1", "99999999999999999999",
            "\"", "{",  "]", "\xff", "<",   "&",   "\\u0000"};
        const std::string word = kWords[Below(std::size(kWords))];
        bytes->insert(begin, word.begin(), word.end());
        return;
      }
    }
  }

  std::mt19937_64 random_;
};

void Run(const Bytes& bytes) {
  // A copy of exact size, so that sanitizers see every read beyond the end.
  std::vector<uint8_t> exact(bytes);
  exact.shrink_to_fit();
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void RunMutations(const std::vector<Bytes>& seeds, uint64_t seed, long mutations) {
  Mutator mutator(seed);
  const std::string kept = "crash-" + std::to_string(seed) + "-" + std::to_string(mutations);
  for (long i = 0; i < mutations; ++i) {
    const Bytes bytes = mutator.Mutate(seeds);
    std::ofstream(kept, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    Run(bytes);
  }
  fs::remove(kept);
}

}  // namespace

int main(int argc, char** argv) {
  long mutations = 0;
  uint64_t seed = std::random_device{}();
  std::vector<Bytes> seeds;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--mutations" && i + 1 < argc) {
      mutations = std::atol(argv[++i]);
    } else if (argument == "--seed" && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (fs::is_directory(argument)) {
      std::vector<fs::path> paths;
      for (const auto& entry : fs::directory_iterator(argument)) paths.push_back(entry.path());
      std::sort(paths.begin(), paths.end());
      for (const fs::path& path : paths) seeds.push_back(ReadAll(path));
    } else {
      seeds.push_back(ReadAll(argument));
    }
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "no seeds\n");
    return 1;
  }
  for (const Bytes& bytes : seeds) Run(bytes);
  std::printf("%zu seeds, %ld mutations, seed %llu\n", seeds.size(), mutations,
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  RunMutations(seeds, seed, mutations);
  return 0;
}
