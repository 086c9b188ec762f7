# Every third-party library, found once. Debian and Ubuntu package names: scripts/install-dependencies.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavcodec libswresample libavutil)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.37)
# By hand: its pkg-config file asks for protobuf's, which Debian 13 does not install with it.
find_path(SENTENCEPIECE_INCLUDE_DIR sentencepiece_processor.h REQUIRED)
find_library(SENTENCEPIECE_LIBRARY sentencepiece REQUIRED)
add_library(skald_sentencepiece INTERFACE)
target_include_directories(skald_sentencepiece SYSTEM INTERFACE ${SENTENCEPIECE_INCLUDE_DIR})
target_link_libraries(skald_sentencepiece INTERFACE ${SENTENCEPIECE_LIBRARY})

find_path(OPENFST_INCLUDE_DIR fst/fstlib.h REQUIRED)
find_library(OPENFST_LIBRARY fst REQUIRED)
find_library(OPENFST_NGRAM_LIBRARY fstngram REQUIRED)
add_library(skald_openfst INTERFACE)
target_include_directories(skald_openfst SYSTEM INTERFACE ${OPENFST_INCLUDE_DIR})
target_link_libraries(skald_openfst INTERFACE ${OPENFST_NGRAM_LIBRARY} ${OPENFST_LIBRARY} ${CMAKE_DL_LIBS})
# Both libfst and libsentencepiece export a variable FLAGS_help, of different types, and the first library loaded supplies it to both.
# libfst only reads its own, libsentencepiece constructs an object in it: so sentencepiece must come first in every program.
target_link_options(skald_openfst INTERFACE
  "LINKER:--push-state,--no-as-needed" ${SENTENCEPIECE_LIBRARY} "LINKER:--pop-state")

find_package(OpenMP REQUIRED COMPONENTS CXX)
find_path(ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp REQUIRED)
find_library(ONEDNN_LIBRARY dnnl REQUIRED)
add_library(skald_onednn INTERFACE)
target_include_directories(skald_onednn SYSTEM INTERFACE ${ONEDNN_INCLUDE_DIR})
target_link_libraries(skald_onednn INTERFACE ${ONEDNN_LIBRARY} OpenMP::OpenMP_CXX)

if(SKALD_TESTS)
  find_package(GTest REQUIRED)
endif()
