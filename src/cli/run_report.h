#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/pipeline_report.h"

namespace skald::cli {

/// The report as docs/formats.md describes it, seconds rounded to milliseconds.
nlohmann::ordered_json ReportAsJson(const PipelineReport& report);

/// A table of what threads did and how full queues were, for people.
std::string ReportAsText(const PipelineReport& report);

/// A sentence: how much, how fast, and which threads were busiest.
std::string ReportInShort(const PipelineReport& report);

}  // namespace skald::cli
