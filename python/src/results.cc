#include "results.h"

#include <skald/output_format.h>
#include <string>
#include <utility>

#include "errors.h"

namespace skald::python {
namespace {

namespace py = pybind11;

/// Getter of a text field.
template <typename T>
auto Text(std::string T::*field) {
  return [field](const T& object) { return TextOf(object.*field); };
}

std::string Format(const Transcript& transcript, const std::string& format, const std::string& text_case,
                   bool times, bool split_channels, bool several_tracks, const std::string& lattice_type,
                   const std::string& language) {
  OutputOptions options;
  options.text_case = ValueOrRaise(ParseTextCase(text_case));
  options.times_in_text = times;
  options.split_channels = split_channels;
  options.several_tracks = several_tracks;
  options.lattice_type = ValueOrRaise(ParseLatticeType(lattice_type));
  options.language = language;
  const OutputFormat parsed = ValueOrRaise(ParseOutputFormat(format));
  py::gil_scoped_release release;
  return FormatTranscript(transcript, parsed, options);
}

py::str JoinedText(const Transcript& transcript) {
  std::string text;
  for (const Segment& segment : transcript.segments) {
    if (segment.text.empty()) continue;
    text += (text.empty() ? "" : " ") + segment.text;
  }
  return TextOf(text);
}

py::dict OptionsOf(const Transcript& transcript) {
  py::dict options;
  for (const auto& [name, value] : transcript.options) options[TextOf(name)] = TextOf(value);
  return options;
}

// States for pickling: every field, as bytes where it is text.

py::tuple StateOf(const Word& word) {
  py::list alternatives;
  for (const WordAlternative& other : word.alternatives) {
    alternatives.append(py::make_tuple(py::bytes(other.text), other.posterior));
  }
  return py::make_tuple(py::bytes(word.text), word.start_s, word.end_s, word.confidence, alternatives);
}
Word WordOf(const py::tuple& state) {
  Word word = {state[0].cast<std::string>(), state[1].cast<double>(), state[2].cast<double>(),
               state[3].cast<double>()};
  for (const py::handle& other : state[4]) {
    const auto [text, posterior] = other.cast<std::pair<std::string, double>>();
    word.alternatives.push_back({text, posterior});
  }
  return word;
}

py::tuple StateOf(const Alternative& alternative) {
  return py::make_tuple(py::bytes(alternative.text), alternative.cost);
}
Alternative AlternativeOf(const py::tuple& state) {
  return {state[0].cast<std::string>(), state[1].cast<double>()};
}

py::tuple StateOf(const Warning& warning) { return py::make_tuple(warning.time_s, py::bytes(warning.what)); }
Warning WarningOf(const py::tuple& state) { return {state[0].cast<double>(), state[1].cast<std::string>()}; }

py::tuple StateOf(const SkippedSpan& span) { return py::make_tuple(span.channel, span.start_s, span.end_s); }
SkippedSpan SkippedSpanOf(const py::tuple& state) {
  return {state[0].cast<int>(), state[1].cast<double>(), state[2].cast<double>()};
}

py::tuple StateOf(const Segment& segment);

template <typename T>
py::tuple StatesOf(const std::vector<T>& items) {
  py::tuple states(items.size());
  for (size_t i = 0; i < items.size(); ++i) states[i] = StateOf(items[i]);
  return states;
}
template <typename T>
std::vector<T> ItemsOf(const py::object& states, T (*item_of)(const py::tuple&)) {
  std::vector<T> items;
  for (const py::handle& state : states) items.push_back(item_of(py::reinterpret_borrow<py::tuple>(state)));
  return items;
}

py::tuple StateOf(const Segment& segment) {
  const WrittenLattice& lattice = segment.lattice;
  return py::make_tuple(segment.start_s, segment.end_s, segment.channel, segment.confidence,
                        py::bytes(segment.text), StatesOf(segment.words), StatesOf(segment.nbest),
                        static_cast<int>(lattice.type), lattice.start_s, lattice.end_s,
                        py::bytes(lattice.body), segment.effective_beam, segment.effective_lattice_beam);
}
Segment SegmentOf(const py::tuple& state) {
  Segment segment;
  segment.start_s = state[0].cast<double>();
  segment.end_s = state[1].cast<double>();
  segment.channel = state[2].cast<int>();
  segment.confidence = state[3].cast<double>();
  segment.text = state[4].cast<std::string>();
  segment.words = ItemsOf<Word>(state[5], WordOf);
  segment.nbest = ItemsOf<Alternative>(state[6], AlternativeOf);
  segment.lattice.type = static_cast<LatticeType>(state[7].cast<int>());
  segment.lattice.start_s = state[8].cast<double>();
  segment.lattice.end_s = state[9].cast<double>();
  segment.lattice.body = state[10].cast<std::string>();
  segment.effective_beam = state[11].cast<double>();
  segment.effective_lattice_beam = state[12].cast<double>();
  return segment;
}

py::tuple StateOf(const Transcript& transcript) {
  const Transcript::Source& source = transcript.source;
  const Timing& timing = transcript.timing;
  py::list options;
  for (const auto& [name, value] : transcript.options) {
    options.append(py::make_tuple(py::bytes(name), py::bytes(value)));
  }
  return py::make_tuple(py::make_tuple(py::bytes(source.path), source.duration_s, source.track,
                                       source.sample_rate_hz, source.channels, py::bytes(source.sha256)),
                        py::bytes(transcript.model_name), py::bytes(transcript.model_sha256),
                        py::bytes(transcript.graph_sha256), options, StatesOf(transcript.segments),
                        StatesOf(transcript.warnings),
                        py::make_tuple(timing.audio_s, timing.decode_s, timing.features_s, timing.model_s,
                                       timing.search_s, timing.wall_s, timing.vad_s),
                        StatesOf(transcript.skipped));
}
Transcript TranscriptOf(const py::tuple& state) {
  Transcript transcript;
  const py::tuple source = state[0];
  transcript.source = {source[0].cast<std::string>(), source[1].cast<double>(),
                       source[2].cast<int>(),         source[3].cast<int>(),
                       source[4].cast<int>(),         source[5].cast<std::string>()};
  transcript.model_name = state[1].cast<std::string>();
  transcript.model_sha256 = state[2].cast<std::string>();
  transcript.graph_sha256 = state[3].cast<std::string>();
  for (const py::handle& option : state[4]) {
    transcript.options.push_back(option.cast<std::pair<std::string, std::string>>());
  }
  transcript.segments = ItemsOf<Segment>(state[5], SegmentOf);
  transcript.warnings = ItemsOf<Warning>(state[6], WarningOf);
  const py::tuple timing = state[7];
  transcript.timing = {timing[0].cast<double>(), timing[1].cast<double>(), timing[2].cast<double>(),
                       timing[3].cast<double>(), timing[4].cast<double>(), timing[5].cast<double>(),
                       timing[6].cast<double>()};
  transcript.skipped = ItemsOf<SkippedSpan>(state[8], SkippedSpanOf);
  return transcript;
}

void BindParts(py::module_& module) {
  py::class_<Word>(module, "Word")
      .def_property_readonly("text", Text(&Word::text))
      .def_readonly("start_s", &Word::start_s)
      .def_readonly("end_s", &Word::end_s)
      .def_readonly("confidence", &Word::confidence)
      .def_readonly("alternatives", &Word::alternatives)
      .def("__repr__", [](const Word& word) {
        return py::str("Word({!r}, {:.2f}-{:.2f} s, confidence {:.2f})")
            .format(TextOf(word.text), word.start_s, word.end_s, word.confidence);
      });
  py::class_<WordAlternative>(module, "WordAlternative")
      .def_property_readonly("text", Text(&WordAlternative::text))
      .def_readonly("posterior", &WordAlternative::posterior);
  py::bind_vector<std::vector<WordAlternative>>(module, "WordAlternatives");
  py::class_<Alternative>(module, "Alternative")
      .def_property_readonly("text", Text(&Alternative::text))
      .def_readonly("cost", &Alternative::cost);
  py::class_<Warning>(module, "Warning")
      .def_readonly("time_s", &Warning::time_s)
      .def_property_readonly("what", Text(&Warning::what));
  py::class_<SkippedSpan>(module, "SkippedSpan")
      .def_readonly("channel", &SkippedSpan::channel)
      .def_readonly("start_s", &SkippedSpan::start_s)
      .def_readonly("end_s", &SkippedSpan::end_s);
  py::class_<Timing>(module, "Timing")
      .def_readonly("audio_s", &Timing::audio_s)
      .def_readonly("decode_s", &Timing::decode_s)
      .def_readonly("features_s", &Timing::features_s)
      .def_readonly("model_s", &Timing::model_s)
      .def_readonly("search_s", &Timing::search_s)
      .def_readonly("wall_s", &Timing::wall_s)
      .def_readonly("vad_s", &Timing::vad_s);
  py::bind_vector<std::vector<Word>>(module, "Words");
  py::bind_vector<std::vector<Alternative>>(module, "Alternatives");
  py::bind_vector<std::vector<Warning>>(module, "Warnings");
  py::bind_vector<std::vector<SkippedSpan>>(module, "SkippedSpans");
}

}  // namespace

py::str TextOf(const std::string& text) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

py::str PathText(const std::string& path) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
}

void BindResults(py::module_& module) {
  BindParts(module);
  py::class_<Segment>(module, "Segment")
      .def_property_readonly("text", Text(&Segment::text))
      .def_readonly("start_s", &Segment::start_s)
      .def_readonly("end_s", &Segment::end_s)
      .def_readonly("channel", &Segment::channel)
      .def_readonly("confidence", &Segment::confidence)
      .def_readonly("words", &Segment::words)
      .def_readonly("nbest", &Segment::nbest)
      .def("__repr__", [](const Segment& segment) {
        return py::str("Segment({!r}, {:.2f}-{:.2f} s)")
            .format(TextOf(segment.text), segment.start_s, segment.end_s);
      });
  py::bind_vector<std::vector<Segment>>(module, "Segments");
  py::class_<Transcript>(module, "Transcript")
      .def_property_readonly("text", JoinedText)
      .def_readonly("segments", &Transcript::segments)
      .def_readonly("warnings", &Transcript::warnings)
      .def_readonly("skipped", &Transcript::skipped)
      .def_readonly("timing", &Transcript::timing)
      .def_property_readonly("path", [](const Transcript& it) { return PathText(it.source.path); })
      .def_property_readonly("track", [](const Transcript& it) { return it.source.track; })
      .def_property_readonly("duration_s", [](const Transcript& it) { return it.source.duration_s; })
      .def_property_readonly("sample_rate_hz", [](const Transcript& it) { return it.source.sample_rate_hz; })
      .def_property_readonly("channels", [](const Transcript& it) { return it.source.channels; })
      .def_property_readonly("model_name", Text(&Transcript::model_name))
      .def_property_readonly("model_sha256", Text(&Transcript::model_sha256))
      .def_property_readonly("graph_sha256", Text(&Transcript::graph_sha256))
      .def_property_readonly("options", OptionsOf)
      .def(
          "format",
          [](const Transcript& it, const std::string& name, const std::string& text_case, bool times,
             bool split_channels, bool several_tracks, const std::string& lattice_type,
             const std::string& language) -> py::object {
            const std::string text =
                Format(it, name, text_case, times, split_channels, several_tracks, lattice_type, language);
            if (name == "lattice" && lattice_type == "binary") return py::bytes(text);
            return TextOf(text);
          },
          py::arg("format"), py::kw_only(), py::arg("text_case") = "as-is", py::arg("times") = false,
          py::arg("split_channels") = false, py::arg("several_tracks") = false,
          py::arg("lattice_type") = "text", py::arg("language") = "en")
      .def("to_json",
           [](const Transcript& it) {
             return TextOf(Format(it, "json", "as-is", false, false, false, "text", "en"));
           })
      .def(py::pickle([](const Transcript& it) { return StateOf(it); },
                      [](const py::tuple& state) { return TranscriptOf(state); }));
}

}  // namespace skald::python
