# scepgate_library(FOLDER LINKS...): the library of one folder, as target scepgate_FOLDER.
#
# Sources include "FOLDER/header.hpp". The repository's top is on nobody's include path: each
# library exports a directory that holds one symbolic link, to its own folder. So a file can
# include a header of another folder only when its own target links that folder's library, and
# an include against the direction of the layers does not compile.
function(scepgate_library folder)
  set(layer_dir ${PROJECT_BINARY_DIR}/layers/${folder})
  file(MAKE_DIRECTORY ${layer_dir})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${layer_dir}/${folder} SYMBOLIC)

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  add_library(scepgate_${folder} STATIC ${sources})
  target_include_directories(scepgate_${folder} PUBLIC ${layer_dir})
  target_link_libraries(scepgate_${folder} PUBLIC ${ARGN} PRIVATE scepgate_options)
endfunction()
