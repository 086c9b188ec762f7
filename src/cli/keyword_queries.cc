#include "cli/keyword_queries.h"

#include <filesystem>

#include "engine/recognizer.h"
#include "scoring/keyword_list.h"

namespace skald::cli {

namespace po = boost::program_options;

StatusOr<std::vector<NamedQuery>> Queries(const po::variables_map& values,
                                          const std::vector<std::string>& words) {
  std::vector<NamedQuery> queries;
  for (const std::string& word : words) queries.push_back({word, word});
  if (values.count("keywords") != 0) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<Keyword> keywords,
                           ReadKeywordList(values["keywords"].as<std::string>()));
    for (const Keyword& keyword : keywords) {
      std::string text = keyword.text;
      std::erase(text, '"');
      queries.push_back({keyword.id, '"' + text + '"'});  // OR is a word there
    }
  }
  return queries;
}

std::string Pronunciations(const po::variables_map& values) {
  if (values.count("pronunciations") != 0) return values["pronunciations"].as<std::string>();
  const auto folder = FindDefaultBundle();
  const std::string path = folder.ok() ? *folder + "/pronunciations.txt.gz" : "";
  std::error_code error;
  return std::filesystem::exists(path, error) ? path : "";
}

}  // namespace skald::cli
