#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace skald {

/// What it costs to hear one phone for another [nats]; 0 for the same.
class PhoneConfusions {
 public:
  /// Costs by kinship of sounds, for ARPAbet names: vowels for vowels and consonants of one place or manner
  /// are cheap, vowels for consonants dear. Names that are not ARPAbet are all equally far from one another.
  explicit PhoneConfusions(const std::vector<std::string>& phones);

  double Substitution(uint16_t said, uint16_t heard) const { return substitution_[said * count_ + heard]; }
  double Deletion(uint16_t said) const { return deletion_[said]; }
  double Insertion(uint16_t heard) const { return deletion_[heard]; }

 private:
  size_t count_;
  std::vector<double> substitution_;
  std::vector<double> deletion_;
};

}  // namespace skald
