#pragma once

#include <span>
#include <string>
#include <vector>

namespace skald {

/// What each unit of a head writes, a space standing for the border between two words.
///
/// `word_separator` (empty: none) is the unit between words. `word_start_marker` (empty: none), "▁" in
/// sentencepiece, stands in units where words begin; with it, "<0xE2>" is the byte 0xE2. Unit 0, the blank,
/// and units in angle or square brackets of more than two bytes ("<unk>", "[PAD]") write nothing.
std::vector<std::string> SpellUnits(std::span<const std::string> units, const std::string& word_separator,
                                    const std::string& word_start_marker);

}  // namespace skald
