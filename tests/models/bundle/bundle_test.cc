#include "models/bundle/bundle.h"

#include <cstring>
#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/hash.h"
#include "models/acoustic_model.h"
#include "models/bundle/bundle_writer.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// A small complete bundle in a temporary folder, to be damaged.
class BundleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Put("tokens.txt", "<blk> 0\n| 1\nA 2\n");
    Tensor("encoder.conv1.weight", {64, 4, 3});
    Tensor("encoder.conv1.bias", {64});
    Tensor("encoder.conv2.weight", {64, 64, 3});
    Tensor("encoder.conv2.bias", {64});
    const std::string layer = "encoder.layers.0.";
    for (const char* name : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      Tensor(layer + "self_attn." + name + ".weight", {64, 64});
      if (std::string(name) != "k_proj") Tensor(layer + "self_attn." + name + ".bias", {64});
    }
    Tensor(layer + "fc1.weight", {32, 64});
    Tensor(layer + "fc1.bias", {32});
    Tensor(layer + "fc2.weight", {64, 32});
    Tensor(layer + "fc2.bias", {64});
    for (const std::string& name :
         {layer + "self_attn_layer_norm", layer + "final_layer_norm", std::string("encoder.layer_norm")}) {
      Tensor(name + ".weight", {64});
      Tensor(name + ".bias", {64});
    }
    Tensor("ctc.char.weight", {3, 64});
    Tensor("ctc.char.bias", {3});
    manifest_ = json::parse(R"({"skald_bundle": 1, "name": "tiny", "licence": "CC0", "language": "en",
      "architecture": {"type": "whisper-encoder-ctc", "weights": "model.safetensors", "feature_bins": 4,
        "model_width": 64, "attention_heads": 1, "feed_forward_width": 32, "layers": 1, "max_positions": 100,
        "layer_norm_epsilon": 1e-5},
      "features": {"type": "whisper-log-mel", "bins": 4, "sample_rate_hz": 16000, "frame_length_samples": 400,
        "frame_shift_samples": 160},
      "frame_shift_s": 0.02,
      "heads": {"char": {"units_file": "tokens.txt", "units": 3, "blank": 0, "word_separator": "|"}},
      "search_head": "char", "greedy_head": "char"})");
  }

  void Put(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / name, bytes).ok());
  }
  void Tensor(const std::string& name, const std::vector<int64_t>& shape) {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    const auto begin = static_cast<int64_t>(weights_.size());
    for (int64_t i = 0; i < count; ++i) {
      const float value = 0.05f * static_cast<float>((i * 7919) % 13 - 6);
      weights_.append(reinterpret_cast<const char*>(&value), 4);
    }
    tensors_[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, begin + count * 4}}};
  }
  void WriteWeights() {
    const std::string header = tensors_.dump();
    const uint64_t length = header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    Put("model.safetensors", bytes + header + weights_);
  }
  /// Lists the files as they are now and writes bundle.json.
  void WriteManifest() {
    for (const char* name : {"tokens.txt", "model.safetensors"}) {
      manifest_["files"][name] = {{"bytes", std::filesystem::file_size(folder_ / name)},
                                  {"sha256", *Sha256HexOfFile(folder_ / name)}};
    }
    Put("bundle.json", manifest_.dump());
  }
  /// Message of opening and loading after bundle.json was changed; the folder is cut out of it.
  std::string Failure() {
    StatusOr<Bundle> bundle = Bundle::Open(folder_.path());
    Status status = bundle.status();
    if (bundle.ok()) {
      AcousticModelOptions options;
      options.precision = Precision::kF32;
      status = AcousticModel::Load(*bundle, options).status();
    }
    if (status.ok()) return "ok";
    std::string text = status.ToString();
    EXPECT_EQ(text.find('\n'), std::string::npos);
    const size_t at = text.find(folder_.path() + "/");
    return at == std::string::npos ? text : text.erase(at, folder_.path().size() + 1);
  }
  std::string FailureWith(const std::function<void(json&)>& change) {
    const json kept = manifest_;
    WriteWeights();
    WriteManifest();
    change(manifest_);
    Put("bundle.json", manifest_.dump());
    manifest_ = kept;
    return Failure();
  }

  test::TemporaryFolder folder_;
  json manifest_, tensors_ = json::object();
  std::string weights_;
};

TEST_F(BundleTest, OpensAndLoads) {
  EXPECT_EQ(FailureWith([](json&) {}), "ok");
  StatusOr<Bundle> bundle = Bundle::Open(folder_.path());
  EXPECT_TRUE(bundle->VerifyAll().ok());
  EXPECT_EQ(*bundle->ReadUnits("char"), (std::vector<std::string>{"<blk>", "|", "A"}));
  EXPECT_EQ(bundle->manifest().heads.at("char").word_separator, "|");
}

TEST_F(BundleTest, MayHaveAModelCard) {
  const json card = json::parse(R"({"data": "books", "word_error_rates": [{"set": "a", "wer_percent": 3}]})");
  EXPECT_EQ(FailureWith([&](json& m) { m["card"] = card; }), "ok");
  const BundleManifest manifest = Bundle::Open(folder_.path())->manifest();
  EXPECT_EQ(manifest.card.data, "books");
  const json written = json::parse(BundleManifestToJson(manifest));
  EXPECT_EQ(written["card"], card);
  EXPECT_THAT(FailureWith([](json& m) { m["card"] = 1; }), HasSubstr("bundle.json: \"card\""));
}

TEST_F(BundleTest, HeadsMayHaveAConfidenceMap) {
  const auto with_map = [this](const json& map) {
    return FailureWith([&](json& m) { m["heads"]["char"]["confidence_map"] = map; });
  };
  EXPECT_EQ(with_map(json::parse("[[0, 0.1], [0.5, 0.2], [1, 0.9]]")), "ok");
  EXPECT_DOUBLE_EQ(Bundle::Open(folder_.path())->manifest().heads.at("char").confidence_map(0.25), 0.15);
  for (const char* bad : {"3", "[]", "[[0, 0.1], [1]]", "[[0, 0.1], [1, true]]", "[[0, 0.9], [1, 0.1]]",
                          "[[0, 0.1], [1, 2]]", "{}"}) {
    EXPECT_THAT(with_map(json::parse(bad)), HasSubstr("\"heads.char.confidence_map\"")) << bad;
  }
}

TEST_F(BundleTest, HeadsMayHaveAnLmScaleAndPenalties) {
  const auto with = [this](const char* member, const json& value) {
    return FailureWith([&](json& m) { m["heads"]["char"][member] = value; });
  };
  for (const char* member : {"lm_scale", "word_penalty", "blank_penalty"}) {
    EXPECT_EQ(with(member, 0.75), "ok");
    const BundleManifest manifest = Bundle::Open(folder_.path())->manifest();
    const HeadDescription& head = manifest.heads.at("char");
    EXPECT_EQ((std::map<std::string, double>{{"lm_scale", head.lm_scale},
                                             {"word_penalty", head.word_penalty},
                                             {"blank_penalty", head.blank_penalty}}[member]),
              0.75);
    EXPECT_EQ(json::parse(BundleManifestToJson(manifest))["heads"]["char"][member], 0.75);
    for (const json& bad : {json("1"), json(101)}) {
      EXPECT_THAT(with(member, bad), HasSubstr(std::string("\"heads.char.") + member)) << bad;
    }
  }
}

TEST_F(BundleTest, CombinedHeadsMayHaveAConfidenceMap) {
  const auto with = [this](const char* combinations) {
    return FailureWith([&](json& m) {
      m["heads"]["more"] = m["heads"]["char"];
      m["head_combinations"] = json::parse(combinations);
    });
  };
  with(R"([{"heads": [["more", 2], ["char", 0.5]], "confidence_map": [[0, 0.5], [1, 1]]}])");
  const StatusOr<Bundle> bundle = Bundle::Open(folder_.path());
  ASSERT_TRUE(bundle.ok()) << bundle.status().ToString();
  const HeadCombination& known = bundle->manifest().combinations.at(0);
  EXPECT_EQ(known.heads, (std::vector<std::pair<std::string, double>>{{"more", 2}, {"char", 0.5}}));
  EXPECT_DOUBLE_EQ(known.confidence_map(0.5), 0.75);
  for (const char* bad :
       {"{}", "[3]", "[{}]", R"([{"heads": [["char", 1]]}])", R"([{"heads": ["char", "more"]}])",
        R"([{"heads": [["char", 1], ["more", -1]]}])", R"([{"heads": [["char", 1], ["less", 1]]}])",
        R"([{"heads": [["char", 1], ["char", 1]]}])",
        R"([{"heads": [["char", 1], ["more", 1]], "confidence_map": 3}])"}) {
    EXPECT_THAT(with(bad), HasSubstr("head_combinations")) << bad;
  }
}

TEST_F(BundleTest, NamesTheMemberThatIsWrong) {
  EXPECT_THAT(FailureWith([](json& m) { m["skald_bundle"] = 2; }), HasSubstr("bundle.json: bundle format 2"));
  EXPECT_THAT(FailureWith([](json& m) { m.erase("name"); }), HasSubstr("bundle.json: \"name\" is missing"));
  EXPECT_THAT(FailureWith([](json& m) { m["architecture"]["type"] = "rnn-t"; }),
              HasSubstr("architecture \"rnn-t\"; known: whisper-encoder-ctc"));
  EXPECT_THAT(FailureWith([](json& m) { m["architecture"]["layers"] = 1000000000; }),
              HasSubstr("\"architecture.layers\" is not an integer from 1 to 128"));
  EXPECT_THAT(FailureWith([](json& m) { m["architecture"]["model_width"] = 128; }),
              HasSubstr("is not 64 x \"architecture.attention_heads\""));
  EXPECT_THAT(FailureWith([](json& m) { m["architecture"]["layer_norm_epsilon"] = 0; }),
              HasSubstr("\"architecture.layer_norm_epsilon\""));
  EXPECT_THAT(FailureWith([](json& m) { m["architecture"]["pool_after_layer"] = 1; }),
              HasSubstr("\"architecture.pool_after_layer\" is not an integer from 0 to 0"));
  EXPECT_THAT(FailureWith([](json& m) { m["frame_shift_s"] = 0.04; }),
              HasSubstr("\"frame_shift_s\" does not follow"));
  EXPECT_THAT(FailureWith([](json& m) { m["features"]["bins"] = 80; }),
              HasSubstr("\"features.bins\" differs"));
  EXPECT_THAT(FailureWith([](json& m) { m["heads"]["char"]["units"] = "3"; }),
              HasSubstr("\"heads.char.units\" is not an integer"));
  EXPECT_THAT(FailureWith([](json& m) { m["search_head"] = "bpe"; }), HasSubstr("names head bpe"));
  EXPECT_THAT(FailureWith([](json& m) { m["lm"] = "lm.arpa.gz"; }),
              HasSubstr("which \"files\" does not list"));
  EXPECT_THAT(FailureWith([](json& m) { m["files"]["../secret"] = m["files"]["tokens.txt"]; }),
              HasSubstr("leaves the bundle's folder"));
  EXPECT_THAT(FailureWith([](json& m) { m["files"]["tokens.txt"]["sha256"] = "abc"; }),
              HasSubstr("\"files.tokens.txt.sha256\""));
}

TEST_F(BundleTest, NamesTheFileThatIsWrong) {
  EXPECT_EQ(Bundle::Open(folder_ / "none").status().code(), StatusCode::kNotFound);
  EXPECT_THAT(FailureWith([](json& m) { m["files"]["tokens.txt"]["bytes"] = 7; }),
              HasSubstr("tokens.txt: 16 bytes, bundle.json says 7"));
  EXPECT_THAT(FailureWith([&](json&) { std::filesystem::remove(folder_ / "tokens.txt"); }),
              HasSubstr("tokens.txt: is missing from the bundle"));
  Put("tokens.txt", "<blk> 0\n| 1\nA 2\n");
  EXPECT_THAT(FailureWith([&](json&) { std::filesystem::resize_file(folder_ / "model.safetensors", 1000); }),
              HasSubstr("model.safetensors: 1000 bytes, bundle.json says"));
  EXPECT_THAT(FailureWith([&](json&) {
                std::string bytes = *ReadFile(folder_ / "model.safetensors");
                bytes[bytes.size() / 2] ^= 0x10;
                Put("model.safetensors", bytes);
              }),
              HasSubstr("model.safetensors: SHA-256 is "));
  Put("bundle.json", "{\"name\": \"a\", \"name\": \"b\"}");
  EXPECT_THAT(Failure(), HasSubstr("bundle.json: key \"name\" appears twice"));
  Put("bundle.json", "");
  EXPECT_THAT(Failure(), HasSubstr("bundle.json: byte"));
}

TEST_F(BundleTest, NamesTheTensorThatIsWrong) {
  const auto load = [&](const std::function<void()>& change) {
    const json tensors = tensors_;
    const std::string weights = weights_;
    change();
    WriteWeights();
    WriteManifest();
    tensors_ = tensors;
    weights_ = weights;
    return Failure();
  };
  EXPECT_EQ(load([&] {
              tensors_["other"] = tensors_["ctc.char.bias"];
              tensors_.erase("ctc.char.bias");
            }),
            "model.safetensors: tensor ctc.char.bias: is missing");
  EXPECT_EQ(load([&] {
              tensors_["ctc.char.weight"]["shape"] = {64, 3};
            }),
            "model.safetensors: tensor ctc.char.weight: shape [64, 3], expected [3, 64]");
  EXPECT_EQ(load([&] { tensors_["encoder.conv1.bias"]["dtype"] = "I32"; }),
            "model.safetensors: tensor encoder.conv1.bias: type I32; F16, BF16 and F32 are read");
  EXPECT_EQ(load([&] {
              const float infinity = INFINITY;
              std::memcpy(weights_.data(), &infinity, 4);
            }),
            "model.safetensors: tensor encoder.conv1.weight: has a value that is not finite");
}

TEST_F(BundleTest, RefusesBadUnitFiles) {
  for (const auto& [text, reason] : std::vector<std::pair<std::string, std::string>>{
           {"<blk> 0\n| 1\nA 1\n", "line 3: ID 1 appears twice"},
           {"<blk> 0\n| 1\nA 3\n", "IDs are not 0 to n-1, each once"},
           {"<blk> 0\n| 1\n", "2 units, head char has 3"},
           {"<blk>\n| 1\nA 2\n", "line 1: \"SYMBOL ID\" expected"},
           {"<blk> 0\n| 1\nA 2x\n", "line 3: ID is not a number"}}) {
    Put("tokens.txt", text);
    WriteWeights();
    WriteManifest();
    StatusOr<Bundle> bundle = Bundle::Open(folder_.path());
    ASSERT_TRUE(bundle.ok());
    EXPECT_THAT(bundle->ReadUnits("char").status().ToString(), HasSubstr("tokens.txt: " + reason));
  }
}

// Pooling has no golden data yet: frames halve again, and a frame repeated in a pair changes nothing for the
// next layer.
TEST_F(BundleTest, PoolingHalvesTheFrames) {
  WriteWeights();
  manifest_["architecture"]["pool_after_layer"] = 0;
  manifest_["frame_shift_s"] = 0.04;
  WriteManifest();
  StatusOr<Bundle> bundle = Bundle::Open(folder_.path());
  ASSERT_TRUE(bundle.ok()) << bundle.status().ToString();
  AcousticModelOptions options;
  options.precision = Precision::kF32;
  auto model = std::move(AcousticModel::Load(*bundle, options)).value();
  EXPECT_EQ(model->ScoreFrames(8), 2);
  EXPECT_EQ(model->ScoreFrames(9), 3);
  EXPECT_EQ(model->ScoreFrames(1), 1);
  EXPECT_EQ(model->frame_shift_s(), 0.04);

  // One layer: the pooled model's head sees the mean of x, so windows of one frame score the same as unpooled
  // ones.
  manifest_["architecture"].erase("pool_after_layer");
  manifest_["frame_shift_s"] = 0.02;
  WriteManifest();
  auto unpooled = std::move(AcousticModel::Load(*Bundle::Open(folder_.path()), options)).value();
  std::vector<float> features(2 * 4, 0.3f);
  features[5] = -1;
  const std::vector<int64_t> window = {2};
  std::vector<float> a(3), b(3);
  const MatrixView<float> view_a(a.data(), 1, 3), view_b(b.data(), 1, 3);
  ASSERT_TRUE(model->Run({features.data(), 2, 4}, window, {&view_a, 1}).ok());
  ASSERT_TRUE(unpooled->Run({features.data(), 2, 4}, window, {&view_b, 1}).ok());
  EXPECT_EQ(a, b);
}

TEST(EnBaseTest, EveryFileIsAsBundleJsonSays) {
  StatusOr<Bundle> bundle = Bundle::Open(test::ProjectPath("models/en-base"));
  ASSERT_TRUE(bundle.ok()) << bundle.status().ToString();
  EXPECT_TRUE(bundle->VerifyAll().ok()) << bundle->VerifyAll().ToString();
  for (const auto& [name, head] : bundle->manifest().heads) {
    StatusOr<std::vector<std::string>> units = bundle->ReadUnits(name);
    ASSERT_TRUE(units.ok()) << units.status().ToString();
    EXPECT_EQ(units->at(0), "<blk>");
  }
}

}  // namespace
}  // namespace skald
