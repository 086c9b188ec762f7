#pragma once

#include <cstdint>
#include <string>

namespace skald::test {

/// Path of a file or folder of the project.
std::string ProjectPath(const std::string& relative);

/// Path below the folder of large shared data (environment variable SKALD_SHARED_DATA, else ../shared beside
/// the project); empty where that file is missing. Tests that need it skip visibly.
std::string SharedPath(const std::string& relative);

/// A new empty folder for this test, removed when the object dies.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Seed of a property test: SKALD_TEST_SEED, else from the clock; printed, so that a failure can be repeated.
uint64_t PropertySeed();

}  // namespace skald::test

/// Declares `variable` as the shared path, or skips the test with the reason.
#define SKALD_SHARED_OR_SKIP(variable, relative)                    \
  const std::string variable = ::skald::test::SharedPath(relative); \
  if (variable.empty()) GTEST_SKIP() << "shared data is not here: " << (relative)
