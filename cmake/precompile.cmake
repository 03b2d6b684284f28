# scepgate_precompile(TARGET HEADERS...): compiles these headers of libraries once for the target, where
# SCEPGATE_PRECOMPILE is on. A file that forgot one of them compiles then all the same: the other
# builds hold it to its includes.
function(scepgate_precompile target)
  if(NOT SCEPGATE_PRECOMPILE)
    return()
  endif()
  list(TRANSFORM ARGN REPLACE "(.+)" "<\\1>" OUTPUT_VARIABLE headers)
  target_precompile_headers(${target} PRIVATE ${headers})
endfunction()
