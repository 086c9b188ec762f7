# Installs the program, the library with its headers and CMake package, the models and the documents, each a component (runtime,
# development, models, documents); `cpack` packs the same.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/skald)

# Libraries outside the system's folders, such as CUDA's, are found where they were when this was built.
set_target_properties(skald skald_shared PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS skald RUNTIME COMPONENT runtime)
install(TARGETS skald_shared EXPORT skaldTargets
  LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_BINARY_DIR}/src/library/include/skald DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

install(EXPORT skaldTargets NAMESPACE skald:: DESTINATION ${package_folder} COMPONENT development)
set(SKALD_MODELS_DIR ${CMAKE_INSTALL_DATADIR}/skald/models)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/skaldConfig.cmake.in ${PROJECT_BINARY_DIR}/skaldConfig.cmake
  INSTALL_DESTINATION ${package_folder} PATH_VARS SKALD_MODELS_DIR)
# Before 1.0 a new minor version may change the interface (docs/embedding.md).
write_basic_package_version_file(${PROJECT_BINARY_DIR}/skaldConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/skaldConfig.cmake ${PROJECT_BINARY_DIR}/skaldConfigVersion.cmake
  DESTINATION ${package_folder} COMPONENT development)

# Bundles share files by symbolic links; what is installed is whole.
foreach(model ${SKALD_INSTALL_MODELS})
  file(GLOB_RECURSE files RELATIVE ${PROJECT_SOURCE_DIR}/models/${model} CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/models/${model}/*)
  if(NOT files)
    message(FATAL_ERROR "SKALD_INSTALL_MODELS names ${model}, which is not in models/")
  endif()
  foreach(file ${files})
    cmake_path(GET file PARENT_PATH folder)
    cmake_path(GET file FILENAME name)
    file(REAL_PATH ${PROJECT_SOURCE_DIR}/models/${model}/${file} whole)
    install(FILES ${whole} RENAME ${name}
      DESTINATION ${CMAKE_INSTALL_DATADIR}/skald/models/${model}/${folder} COMPONENT models)
  endforeach()
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documents)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documents)

if(PROJECT_IS_TOP_LEVEL)
  set(CPACK_GENERATOR TGZ)
  set(CPACK_PACKAGE_CONTACT "the maintainers of Skald")
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
  include(CPack)
endif()
