// Equal to NIST's rover, word for word: on SCTK's own demonstration data (golden/sctk_sys*.ctm, from its
// doc/images_src) and on random ones.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "decoder/combine/rover.h"
#include "support/sclite.h"
#include "support/test_environment.h"
#include "word_lists.h"

namespace skald::test {
namespace {

using Files = std::map<std::string, std::vector<SystemWord>>;

/// "file 1 start duration letter [confidence]" lines. Ends are start + duration in f64, as rover has them.
Files ReadLetters(const std::string& path) {
  Files files;
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string file, channel, letter, confidence;
    double start_s = 0, duration_s = 0;
    fields >> file >> channel >> start_s >> duration_s >> letter;
    SystemWord word{static_cast<uint32_t>(letter[0] - 'a' + 1), start_s, start_s + duration_s, -1};
    if (fields >> confidence) word.confidence = std::atof(confidence.c_str());
    files[file].push_back(word);
  }
  return files;
}

std::string CtmLine(const std::string& file, const SystemWord& word) {
  char line[200];
  std::snprintf(line, sizeof(line), "%s 1 %.3f %.3f %c %.6f\n", file.c_str(), word.start_s,
                word.end_s - word.start_s, static_cast<char>('a' + word.word - 1), word.confidence);
  return line;
}

struct Setting {
  const char* method;
  RoverVote vote;
  double alpha;
  double null_confidence;
  bool by_time = false;
};

std::string RunRover(const std::string& program, const std::vector<std::string>& ctms, const Setting& setting,
                     const std::string& out) {
  std::string command = "'" + program + "'";
  for (const std::string& ctm : ctms) command += " -h '" + ctm + "' ctm";
  command += " -o '" + out + "' -f 0 -m " + std::string(setting.method) + " -a " +
             std::to_string(setting.alpha) + " -c " + std::to_string(setting.null_confidence) +
             (setting.by_time ? " -T" : "") + " >/dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream in(out);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string RunOurs(const std::vector<Files>& systems, const Setting& setting) {
  RoverOptions options;
  options.vote = setting.vote;
  options.alpha = setting.alpha;
  options.null_confidence = setting.null_confidence;
  options.align_by_time = setting.by_time;
  std::string text;
  for (const auto& [file, words] : systems[0]) {
    std::vector<std::vector<SystemWord>> of_file;
    for (const Files& system : systems) of_file.push_back(system.at(file));
    const auto combined = Rover(of_file, std::vector<double>(systems.size(), 1.0), options);
    EXPECT_TRUE(combined.ok());
    for (const SystemWord& word : *combined) text += CtmLine(file, word);
  }
  return text;
}

constexpr Setting kSettings[] = {
    {"meth1", RoverVote::kAverage, 1.0, 0.0},       {"meth1", RoverVote::kAverage, 0.5, 0.3},
    {"meth1", RoverVote::kAverage, 0.7, 0.8},       {"maxconf", RoverVote::kMaximum, 0.25, 0.5},
    {"avgconf", RoverVote::kShare, 0.25, 0.5},      {"avgconf", RoverVote::kShare, 0.0, 0.1},
    {"meth1", RoverVote::kAverage, 1.0, 0.0, true}, {"meth1", RoverVote::kAverage, 0.5, 0.6, true},
};

TEST(SctkAgrees, OnItsDemonstration) {
  SKALD_ROVER_OR_SKIP(program);
  TemporaryFolder folder;
  // Files that all three have; rover wants every file in every system.
  std::vector<std::string> paths;
  std::vector<Files> systems;
  for (const char* name : {"sctk_sys1.ctm", "sctk_sys2.ctm", "sctk_sys3.ctm"}) {
    std::ifstream in(ProjectPath("tests/decoder/combine/golden/" + std::string(name)));
    paths.push_back(folder / name);
    std::ofstream out(paths.back());
    for (std::string line; std::getline(in, line);) {
      if (line < "file5") out << line << "\n";
    }
    out.close();
    systems.push_back(ReadLetters(paths.back()));
    ASSERT_EQ(systems.back().size(), 4u);
  }
  const std::string theirs = RunRover(program, paths, kSettings[0], folder / "out.ctm");
  EXPECT_GT(theirs.size(), 5000u);
  EXPECT_EQ(RunOurs(systems, kSettings[0]), theirs);
}

// The same recordings every time: rover adds up confidences in f32, so now and then a tie falls otherwise.
TEST(SctkAgrees, OnRandomSystems) {
  SKALD_ROVER_OR_SKIP(program);
  std::mt19937_64 random(20261129);
  TemporaryFolder folder;
  for (const Setting& setting : kSettings) {
    for (const size_t count : {2, 3, 5}) {
      std::vector<std::string> paths;
      std::vector<Files> systems;
      std::vector<std::vector<SystemWord>> truths;
      for (int file = 0; file < 25; ++file) {
        std::string letters;
        for (int i = 0; i < 40; ++i) {
          letters += random() % 12 == 0 ? "     " : std::string(1, static_cast<char>('a' + random() % 26));
        }
        truths.push_back(WordsOf(letters));
      }
      for (size_t k = 0; k < count; ++k) {
        paths.push_back(folder / ("system" + std::to_string(k) + ".ctm"));
        std::ofstream out(paths.back());
        for (int file = 0; file < 25; ++file) {
          const std::string name = std::string("f") + static_cast<char>('a' + file);
          std::vector<SystemWord> words = WithErrors(truths[static_cast<size_t>(file)], 0.2, random);
          // Where a system has no words left but others have, rover takes one from its next file: so all end
          // together.
          words.push_back({26, 100.0, 100.5, 0.5});
          for (const SystemWord& word : words) out << CtmLine(name, word);
        }
        out.close();
        systems.push_back(ReadLetters(paths.back()));
      }
      const std::string theirs = RunRover(program, paths, setting, folder / "out.ctm");
      ASSERT_GT(theirs.size(), 5000u);
      ASSERT_EQ(RunOurs(systems, setting), theirs)
          << setting.method << " alpha " << setting.alpha << " null " << setting.null_confidence
          << " by time " << setting.by_time << ", " << count << " systems";
    }
  }
}

}  // namespace
}  // namespace skald::test
