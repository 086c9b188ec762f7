#include "models/importers/hugging_face.h"

#include <cstring>
#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "base/file.h"
#include "golden_checkpoint.h"
#include "models/acoustic_model.h"
#include "models/importers/sentencepiece_model.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class NetworkTest : public ::testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<AcousticModel> Load(Precision precision, int threads) {
    AcousticModelOptions options;
    options.precision = precision;
    options.threads = threads;
    options.max_batch_feature_frames = 1 << 20;
    auto model = AcousticModel::Load(*golden_.bundle, options);
    if (model.ok()) return std::move(model).value();
    EXPECT_EQ(model.status().code(), StatusCode::kUnsupported) << model.status().ToString();
    return nullptr;
  }
  const test::GoldenCheckpoint golden_{GetParam()};
};

TEST_P(NetworkTest, ScoresOfARaggedBatchMatchTransformers) {
  const std::unique_ptr<AcousticModel> model = Load(Precision::kF32, 2);
  ASSERT_NE(model, nullptr);
  test::ScoreBuffers scores(*model, golden_.window_feature_frames);
  const Status status = model->Run(golden_.features(), scores.window_feature_frames(), scores.views());
  ASSERT_TRUE(status.ok()) << status.ToString();
  const double largest = test::LargestDifference(scores.values(0), golden_.nll);
  RecordProperty("largest", std::to_string(largest));
  EXPECT_LE(largest, test::kLogProbImportedAbs);
}

TEST_P(NetworkTest, ReducedPrecisionStaysClose) {
  for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
    const std::unique_ptr<AcousticModel> model = Load(precision, 1);
    if (model == nullptr) continue;  // the processor lacks it
    test::ScoreBuffers scores(*model, golden_.window_feature_frames);
    ASSERT_TRUE(model->Run(golden_.features(), scores.window_feature_frames(), scores.views()).ok());
    EXPECT_LE(test::MeanDifference(scores.values(0), golden_.nll), test::kLogProbRandomWeightsMean)
        << PrecisionName(precision);
  }
}

// Windows of every length around the sizes of tiles and of the first convolution's field.
TEST_P(NetworkTest, AWindowsBitsDoNotDependOnItsBatch) {
  std::mt19937_64 random(test::PropertySeed());
  std::normal_distribution<float> value(0.0f, 0.5f);
  const int bins = FeatureBins(golden_.bundle->manifest().sizes);
  std::vector<int64_t> lengths = bins == 1 ? std::vector<int64_t>{0, 399, 400, 401, 719, 720, 1600, 21120, 3}
                                           : std::vector<int64_t>{0, 1, 2, 3, 7, 8, 9, 64, 65, 100};
  std::shuffle(lengths.begin(), lengths.end(), random);
  const std::unique_ptr<AcousticModel> batch_model = Load(Precision::kF32, 2),
                                       single_model = Load(Precision::kF32, 1);
  ASSERT_TRUE(batch_model != nullptr && single_model != nullptr);
  test::ScoreBuffers batch(*batch_model, lengths);
  std::vector<float> features(static_cast<size_t>(batch.feature_frames() * bins));
  for (float& x : features) x = value(random);
  ASSERT_TRUE(batch_model->Run({features.data(), batch.feature_frames(), bins}, lengths, batch.views()).ok());
  int64_t feature_frame = 0, frame = 0;
  for (const int64_t length : lengths) {
    test::ScoreBuffers single(*single_model, {length});
    const FeatureView window(features.data() + feature_frame * bins, length, bins);
    ASSERT_TRUE(single_model->Run(window, single.window_feature_frames(), single.views()).ok());
    const int64_t frames = single_model->ScoreFrames(length);
    EXPECT_TRUE(test::SameBits(single.values(0), test::ScoreRows(batch, 0, frame, frames)))
        << "window of " << length;
    feature_frame += length;
    frame += frames;
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, NetworkTest, ::testing::ValuesIn(test::kGoldenCheckpoints),
                         [](const auto& info) { return std::string(info.param); });

/// A copy of a golden checkpoint to spoil.
class BadCheckpointTest : public ::testing::Test {
 protected:
  void Copy(const std::string& name) {
    fs::copy(test::ProjectPath("tests/models/golden/hf/" + name), folder_.path() + "/in");
  }
  void Edit(const std::string& file, const std::function<void(nlohmann::json&)>& edit) {
    const std::string path = folder_.path() + "/in/" + file;
    nlohmann::json json = nlohmann::json::parse(*ReadFile(path));
    edit(json);
    ASSERT_TRUE(WriteFileAtomically(path, json.dump()).ok());
  }
  /// The same for the header of model.safetensors.
  void EditTensors(const std::function<void(nlohmann::json&)>& edit) {
    const std::string path = folder_.path() + "/in/model.safetensors";
    const std::string bytes = *ReadFile(path);
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    nlohmann::json header = nlohmann::json::parse(bytes.substr(8, length));
    const std::string data = bytes.substr(8 + length);
    edit(header);
    const std::string text = header.dump();
    length = text.size();
    std::string out(8, '\0');
    std::memcpy(out.data(), &length, 8);
    ASSERT_TRUE(WriteFileAtomically(path, out + text + data).ok());
  }
  /// The message of importing, which must fail and leave nothing.
  std::string Failure(HuggingFaceImportOptions options = {}) {
    const Status status = ImportHuggingFace(folder_.path() + "/in", folder_.path() + "/out", options);
    EXPECT_FALSE(status.ok());
    EXPECT_FALSE(fs::exists(folder_.path() + "/out"));
    EXPECT_FALSE(fs::exists(folder_.path() + "/out.part"));
    return status.ToString();
  }
  std::string FailureWith(const std::string& file, const std::function<void(nlohmann::json&)>& edit) {
    const std::string saved = *ReadFile(folder_.path() + "/in/" + file);
    Edit(file, edit);
    const std::string message = Failure();
    EXPECT_TRUE(WriteFileAtomically(folder_.path() + "/in/" + file, saved).ok());
    return message;
  }
  test::TemporaryFolder folder_;
};

TEST_F(BadCheckpointTest, NamesTheOptionThatIsNotRun) {
  Copy("wav2vec2_group");
  const auto with = [&](const char* key, const nlohmann::json& value) {
    return FailureWith("config.json", [&](nlohmann::json& config) { config[key] = value; });
  };
  EXPECT_THAT(with("hidden_act", "relu"),
              HasSubstr("config.json: \"hidden_act\" is \"relu\"; Skald runs \"gelu\""));
  EXPECT_THAT(with("feat_extract_norm", "batch"), HasSubstr("\"feat_extract_norm\" is \"batch\""));
  EXPECT_THAT(with("add_adapter", true), HasSubstr("\"add_adapter\" is true; Skald runs false"));
  EXPECT_THAT(with("adapter_attn_dim", 16), HasSubstr("\"adapter_attn_dim\" is 16"));
  EXPECT_THAT(with("conv_pos_batch_norm", true), HasSubstr("\"conv_pos_batch_norm\" is true"));
  EXPECT_THAT(with("model_type", "wavlm"), HasSubstr("config.json: \"model_type\" \"wavlm\"; Skald imports"));
  EXPECT_THAT(with("architectures", {"Wav2Vec2ForPreTraining"}), HasSubstr("Skald imports Wav2Vec2ForCTC"));
  EXPECT_THAT(with("num_attention_heads", 3), HasSubstr("multiple of 16"));
  EXPECT_THAT(FailureWith("preprocessor_config.json", [](nlohmann::json& s) { s["sampling_rate"] = 8000; }),
              HasSubstr("\"feature_extractor.sampling_rate\" is 8000; Skald runs 16000"));
}

TEST_F(BadCheckpointTest, NamesTheOptionOfParakeetThatIsNotRun) {
  Copy("parakeet");
  const auto with = [&](const char* key, const nlohmann::json& value) {
    return FailureWith("config.json", [&](nlohmann::json& config) { config["encoder_config"][key] = value; });
  };
  EXPECT_THAT(with("hidden_act", "relu"),
              HasSubstr("\"encoder_config.hidden_act\" is \"relu\"; Skald runs \"silu\""));
  EXPECT_THAT(with("subsampling_factor", 4),
              HasSubstr("\"encoder_config.subsampling_factor\" is 4; Skald runs 8"));
  EXPECT_THAT(with("num_hidden_layers", 1000000000), HasSubstr("\"encoder_config.num_hidden_layers\""));
  EXPECT_THAT(with("conv_kernel_size", 4), HasSubstr("is even"));
  const auto settings = [&](const char* key, const nlohmann::json& value) {
    return FailureWith("processor_config.json",
                       [&](nlohmann::json& s) { s["feature_extractor"][key] = value; });
  };
  EXPECT_THAT(settings("preemphasis", 0.5), HasSubstr("\"feature_extractor.preemphasis\""));
  EXPECT_THAT(settings("n_fft", 1024), HasSubstr("\"feature_extractor.n_fft\" is 1024; Skald runs 512"));
  EXPECT_THAT(FailureWith("tokenizer.json", [](nlohmann::json& t) { t["model"]["type"] = "WordPiece"; }),
              HasSubstr("tokenizer.json: \"model.type\" WordPiece; BPE and Unigram are read"));
  EXPECT_THAT(FailureWith("config.json", [](nlohmann::json& c) { c["model_type"] = "parakeet_tdt"; }),
              HasSubstr("\"model_type\" \"parakeet_tdt\""));
}

TEST_F(BadCheckpointTest, RefusesAbsurdSizes) {
  Copy("wav2vec2_group");
  const auto with = [&](const char* key, const nlohmann::json& value) {
    return FailureWith("config.json", [&](nlohmann::json& config) { config[key] = value; });
  };
  EXPECT_THAT(with("hidden_size", 4000000000ull),
              HasSubstr("\"hidden_size\" is not an integer from 16 to 8192"));
  EXPECT_THAT(with("num_hidden_layers", 0), HasSubstr("\"num_hidden_layers\""));
  EXPECT_THAT(with("conv_dim", {16, 16}), HasSubstr("differ in length"));
  EXPECT_THAT(with("conv_kernel", {10, 3, 3, 3, 3, 2, 1000000}), HasSubstr("\"conv_kernel\""));
  EXPECT_THAT(with("vocab_size", 70000), HasSubstr("\"vocab_size\" is not an integer from 2 to 65536"));
  EXPECT_THAT(with("pad_token_id", 500), HasSubstr("\"pad_token_id\" 500 is not one of the 32 outputs"));
}

TEST_F(BadCheckpointTest, NamesMissingAndMisshapenTensors) {
  Copy("wav2vec2_group");
  const std::string path = folder_.path() + "/in/model.safetensors", saved = *ReadFile(path);
  const auto with = [&](const std::function<void(nlohmann::json&)>& edit) {
    EditTensors(edit);
    const std::string message = Failure();
    EXPECT_TRUE(WriteFileAtomically(path, saved).ok());
    return message;
  };
  EXPECT_THAT(with([](nlohmann::json& t) {
                t["other"] = t["lm_head.bias"];
                t.erase("lm_head.bias");
              }),
              HasSubstr("model.safetensors: tensor lm_head.bias: is missing"));
  EXPECT_THAT(with([](nlohmann::json& t) {
                t["lm_head.weight"]["shape"] = {16, 64};
              }),
              HasSubstr("tensor lm_head.weight: shape [16, 64], expected [32, 32]"));
  EXPECT_THAT(with([](nlohmann::json& t) { t["lm_head.bias"]["dtype"] = "I32"; }),
              HasSubstr("tensor lm_head.bias: type I32; F16, BF16 and F32 are read"));
  EXPECT_THAT(with([](nlohmann::json& t) {
                t["other"] = t["wav2vec2.encoder.layers.1.layer_norm.bias"];
                t.erase("wav2vec2.encoder.layers.1.layer_norm.bias");
              }),
              HasSubstr("tensor wav2vec2.encoder.layers.1.layer_norm.bias: is missing"));
  ASSERT_TRUE(WriteFileAtomically(path, saved.substr(0, saved.size() / 2)).ok());
  EXPECT_THAT(Failure(), HasSubstr("truncated"));
}

TEST_F(BadCheckpointTest, RefusesPicklesWithTheReason) {
  Copy("wav2vec2_group");
  fs::rename(folder_.path() + "/in/model.safetensors", folder_.path() + "/in/pytorch_model.bin");
  EXPECT_THAT(Failure(), AllOf(HasSubstr("pytorch_model.bin: is a pickle, which may run code"),
                               HasSubstr("safetensors")));
  fs::remove(folder_.path() + "/in/pytorch_model.bin");
  EXPECT_THAT(Failure(), HasSubstr("has neither model.safetensors nor"));
}

TEST_F(BadCheckpointTest, RefusesBadShardsAndVocabularies) {
  Copy("hubert");
  EXPECT_THAT(FailureWith("model.safetensors.index.json",
                          [](nlohmann::json& i) { i["weight_map"]["lm_head.bias"] = "../../etc/passwd"; }),
              HasSubstr("no plain file name"));
  EXPECT_THAT(FailureWith("model.safetensors.index.json",
                          [](nlohmann::json& i) { i["weight_map"]["lm_head.bias"] = "none.safetensors"; }),
              HasSubstr("none.safetensors"));
  EXPECT_THAT(FailureWith("vocab.json", [](nlohmann::json& v) { v["E"] = 4000; }),
              HasSubstr("vocab.json: token \"E\" has ID 4000, the head has 32 outputs"));
  EXPECT_THAT(FailureWith("vocab.json", [](nlohmann::json& v) { v["E"] = v["T"]; }),
              HasSubstr("both have ID"));
  EXPECT_THAT(FailureWith("vocab.json",
                          [](nlohmann::json& v) {
                            v = {{"eng", v}};
                          }),
              HasSubstr("is a vocabulary of its own"));
  EXPECT_THAT(
      FailureWith("tokenizer_config.json", [](nlohmann::json& c) { c["word_delimiter_token"] = "_"; }),
      HasSubstr("the word delimiter \"_\" is no token"));
  fs::remove(folder_.path() + "/in/vocab.json");
  EXPECT_THAT(Failure(), HasSubstr("has no tokenizer"));
}

TEST_F(BadCheckpointTest, RefusesWhisperWithoutACtcHead) {
  Copy("whisper");
  EditTensors([](nlohmann::json& t) {
    t["proj_out.weight"] = t["lm_head.weight"];
    t.erase("lm_head.weight");
  });
  EXPECT_THAT(Failure(), HasSubstr("has no CTC head"));
}

TEST(HuggingFaceImport, KeepsWhatExistsAndSetsTheCase) {
  test::TemporaryFolder folder;
  const std::string source = test::ProjectPath("tests/models/golden/hf/wav2vec2_layer");
  HuggingFaceImportOptions options;
  options.name = "small";
  options.unit_case = UnitCase::kLower;
  ASSERT_TRUE(ImportHuggingFace(source, folder.path() + "/out", options).ok());
  EXPECT_EQ(ImportHuggingFace(source, folder.path() + "/out", options).code(), StatusCode::kInvalidArgument);
  StatusOr<Bundle> bundle = Bundle::Open(folder.path() + "/out");
  ASSERT_TRUE(bundle.ok()) << bundle.status().ToString();
  const std::vector<std::string> units = *bundle->ReadUnits("ctc");
  EXPECT_EQ(units.size(), 32u);
  EXPECT_EQ(units[0], "[PAD]");
  EXPECT_EQ(units[1], "<s>");
  EXPECT_EQ(units[5], "e");
  EXPECT_EQ(bundle->manifest().name, "small");
  EXPECT_EQ(bundle->manifest().heads.at("ctc").word_separator, "|");
  EXPECT_DOUBLE_EQ(bundle->manifest().frame_shift_s, 0.02);
}

TEST(SentencePieceModel, IsReadBackWithItsPieces) {
  test::TemporaryFolder folder;
  SentencePieceModel model;
  model.kind = SentencePieceModel::Kind::kBpe;
  model.pieces = {{"\xE2\x96\x81", -9, true},
                  {"a", -8, true},
                  {"\xE2\x96\x81"
                   "a",
                   0, true},
                  {"<pad>", 0, false}};
  ASSERT_TRUE(WriteFileAtomically(folder / "m.model", SerializeSentencePieceModel(model)).ok());
  StatusOr<std::vector<std::string>> pieces = ReadSentencePieces(folder / "m.model");
  ASSERT_TRUE(pieces.ok()) << pieces.status().ToString();
  EXPECT_THAT(*pieces, ::testing::ElementsAre("\xE2\x96\x81", "a",
                                              "\xE2\x96\x81"
                                              "a",
                                              "<pad>", "<unk>"));
  ASSERT_TRUE(WriteFileAtomically(folder / "bad.model", "not a model").ok());
  EXPECT_THAT(ReadSentencePieces(folder / "bad.model").status().ToString(),
              HasSubstr("not a sentencepiece model"));
}

}  // namespace
}  // namespace skald
