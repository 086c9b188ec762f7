#include "support/sclite.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sstream>

namespace skald::test {
namespace {

std::string SctkProgram(const std::string& name) {
  std::vector<std::string> folders = {"/usr/lib/sctk/bin"};
  const char* path = std::getenv("PATH");
  std::istringstream path_folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(path_folders, folder, ':');) folders.push_back(folder);
  for (const std::string& folder : folders) {
    if (std::filesystem::exists(folder + "/" + name)) return folder + "/" + name;
  }
  return {};
}

}  // namespace

std::string ScliteProgram() { return SctkProgram("sclite"); }
std::string RoverProgram() { return SctkProgram("rover"); }

std::vector<ScliteUtterance> RunSclite(const std::string& program, const std::string& reference,
                                       const std::string& reference_format, const std::string& hypothesis,
                                       const std::string& hypothesis_format) {
  const std::string ids = reference_format == "trn" ? " -i spu_id" : "";
  const std::string command = "'" + program + "' -r '" + reference + "' " + reference_format + " -h '" +
                              hypothesis + "' " + hypothesis_format + ids +
                              " -e utf-8 -o pralign stdout 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "cannot run " << command;
    return {};
  }
  std::string output;
  std::array<char, 65536> buffer;
  for (size_t read; (read = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    output.append(buffer.data(), read);
  }
  if (::pclose(pipe) != 0) {
    ADD_FAILURE() << command << "\n" << output;
    return {};
  }
  std::vector<ScliteUtterance> utterances;
  std::istringstream lines(output);
  std::string id;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("id: (")) id = line.substr(5, line.rfind(')') - 5);
    ScliteUtterance utterance{id, {}};
    auto& [correct, substituted, deleted, inserted] = utterance.counts;
    if (std::sscanf(line.c_str(), "Scores: (#C #S #D #I) %d %d %d %d", &correct, &substituted, &deleted,
                    &inserted) == 4) {
      utterances.push_back(utterance);
    }
  }
  return utterances;
}

}  // namespace skald::test
