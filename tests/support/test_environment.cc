#include "support/test_environment.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <iostream>

namespace skald::test {

std::string ProjectPath(const std::string& relative) {
  return std::string(SKALD_SOURCE_DIR) + "/" + relative;
}

std::string SharedPath(const std::string& relative) {
  const char* folder = std::getenv("SKALD_SHARED_DATA");
  const std::string path =
      (folder != nullptr ? std::string(folder) : ProjectPath("../shared")) + "/" + relative;
  return std::filesystem::exists(path) ? path : std::string();
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "skald-test-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

uint64_t PropertySeed() {
  const char* given = std::getenv("SKALD_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10)
                       : static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::cout << "SKALD_TEST_SEED=" << seed << "\n";
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

}  // namespace skald::test
