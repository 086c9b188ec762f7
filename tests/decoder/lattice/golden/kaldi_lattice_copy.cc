// Copies an archive of compact lattices with Kaldi's own reader and writer, as its lattice-copy does:
// kaldi_lattice_copy text|binary IN OUT. IN may be either. Built by kaldi_lattice_copy.py against the
// libraries of a wheel that brings no headers, so the few names needed are declared here.

#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

namespace fst {
template <class Weight>
class ArcTpl;
template <class Float>
class LatticeWeightTpl;
template <class Weight, class Int>
class CompactLatticeWeightTpl;
template <class Arc, class Allocator>
class VectorState;
template <class Arc, class State>
class VectorFst;
using CompactArc = ArcTpl<CompactLatticeWeightTpl<LatticeWeightTpl<float>, int>>;
}  // namespace fst

namespace kaldi {
using CompactLattice =
    fst::VectorFst<fst::CompactArc, fst::VectorState<fst::CompactArc, std::allocator<fst::CompactArc>>>;
bool ReadCompactLattice(std::istream& in, bool binary, CompactLattice** lattice);
bool WriteCompactLattice(std::ostream& out, bool binary, const CompactLattice& lattice);
}  // namespace kaldi

int main(int argc, char** argv) {
  if (argc != 4) return 1;
  const bool binary = std::strcmp(argv[1], "binary") == 0;
  std::ifstream in(argv[2], std::ios::binary);
  std::ofstream out(argv[3], std::ios::binary);
  int count = 0;
  for (std::string key; in >> key; ++count) {
    // Kaldi's archive reader takes one space; a line end is the lattice's and tells that it is text.
    if (in.peek() == ' ') in.get();
    const bool from_binary = in.peek() != '\n';
    kaldi::CompactLattice* lattice = nullptr;
    if (!kaldi::ReadCompactLattice(in, from_binary, &lattice) || lattice == nullptr) {
      std::cerr << "lattice " << key << " cannot be read\n";
      return 1;
    }
    out << key << ' ';
    if (!kaldi::WriteCompactLattice(out, binary, *lattice)) return 1;
  }
  std::cout << count << " lattices\n";
  return out.flush() ? 0 : 1;
}
