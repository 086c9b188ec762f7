#include "cli/command.h"

#include <cstdio>
#include <sstream>
#include <utility>

#include "base/check.h"

namespace skald::cli {

namespace po = boost::program_options;

Parsed Parse(const Arguments& arguments, const std::string& usage, const std::string& about,
             po::options_description options, const std::string& positional) {
  options.add_options()("help,h", "print this help");
  po::options_description all;
  all.add(options);
  po::positional_options_description positions;
  if (!positional.empty()) {
    all.add_options()(positional.c_str(), po::value<std::vector<std::string>>());
    positions.add(positional.c_str(), -1);
  }
  Parsed parsed;
  try {
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(positions)
                  .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                  .run(),
              parsed.values);
    po::notify(parsed.values);
  } catch (const po::error& error) {
    std::fprintf(stderr, "skald: %s (see --help)\n", error.what());
    parsed.exit_code = kBadUsage;
    return parsed;
  }
  if (parsed.values.count("help") != 0) {
    std::ostringstream text;
    text << "usage: " << usage << "\n\n" << about << "\n\n" << options;
    std::fputs(text.str().c_str(), stdout);
    parsed.exit_code = kAllWell;
  }
  return parsed;
}

std::vector<std::string> Texts(const po::variables_map& values, const std::string& name) {
  return values.count(name) != 0 ? values[name].as<std::vector<std::string>>() : std::vector<std::string>();
}

std::string DescribeValues(const po::variables_map& values, const std::set<std::string>& but_for) {
  std::ostringstream text;
  for (const auto& [name, value] : values) {
    if (but_for.contains(name)) continue;
    text << name << '=';
    const boost::any& any = value.value();
    if (const auto* string = boost::any_cast<std::string>(&any)) {
      text << *string;
    } else if (const auto* strings = boost::any_cast<std::vector<std::string>>(&any)) {
      for (const std::string& each : *strings) text << each << ';';
    } else if (const auto* flag = boost::any_cast<bool>(&any)) {
      text << *flag;
    } else if (const auto* integer = boost::any_cast<int>(&any)) {
      text << *integer;
    } else if (const auto* real = boost::any_cast<double>(&any)) {
      text << *real;
    } else if (const auto* single = boost::any_cast<float>(&any)) {
      text << *single;
    } else {
      SKALD_CHECK(false, "an option of a type that cannot be described");
    }
    text << '\n';
  }
  return text.str();
}

int Report(const Status& status, int exit_code) {
  std::fprintf(stderr, "skald: %s\n", status.ToString().c_str());
  return exit_code;
}

std::vector<std::string> SplitList(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

}  // namespace skald::cli
