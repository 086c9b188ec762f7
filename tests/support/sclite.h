#pragma once

#include <array>
#include <string>
#include <vector>

namespace skald::test {

/// Path of NIST's scorer sclite (Debian package sctk); empty where it is not installed.
std::string ScliteProgram();
/// Path of NIST's rover, of the same package; empty where it is not installed.
std::string RoverProgram();

struct ScliteUtterance {
  std::string id;
  std::array<int, 4> counts;  ///< correct, substituted, deleted, inserted
};

/// Runs sclite on files of the given formats ("trn", "stm", "ctm") and returns the counts of each utterance
/// in its order; empty, with a test failure, where sclite fails.
std::vector<ScliteUtterance> RunSclite(const std::string& program, const std::string& reference,
                                       const std::string& reference_format, const std::string& hypothesis,
                                       const std::string& hypothesis_format);

}  // namespace skald::test

/// Declares `variable` as the path of sclite, or skips the test with the reason.
#define SKALD_SCLITE_OR_SKIP(variable)                         \
  const std::string variable = ::skald::test::ScliteProgram(); \
  if (variable.empty()) GTEST_SKIP() << "sclite is not installed (Debian package sctk)"

/// Declares `variable` as the path of rover, or skips the test with the reason.
#define SKALD_ROVER_OR_SKIP(variable)                         \
  const std::string variable = ::skald::test::RoverProgram(); \
  if (variable.empty()) GTEST_SKIP() << "rover is not installed (Debian package sctk)"
