# Finds LLVM's shared library: gives the target winnow-libllvm, or sets WINNOW_LLVM to OFF and says so.
#
# LLVM's own version file accepts only an equal major.minor, so each supported release is asked for by name, newest first.
# All releases since 18 are numbered N.1.

set(supported 22 21 20 19)

if(NOT WINNOW_LLVM MATCHES "^(PROVIDER|STATIC|OFF)$")
    message(FATAL_ERROR "WINNOW_LLVM is ${WINNOW_LLVM}; it can be PROVIDER, STATIC or OFF")
endif()
if(WINNOW_LLVM STREQUAL "OFF")
    message(NOTICE "Winnow ${PROJECT_VERSION} without LLVM: expressions are interpreted")
    return()
endif()

if(WINNOW_LLVM_VERSION)
    set(wanted ${WINNOW_LLVM_VERSION})
elseif(LLVM_DIR) # a user's choice, or what an earlier run found
    find_package(LLVM CONFIG QUIET)
    set(wanted ${LLVM_VERSION_MAJOR})
else()
    set(wanted ${supported})
endif()

set(LLVM_FOUND FALSE)
foreach(major ${wanted})
    if(NOT LLVM_FOUND AND major IN_LIST supported)
        find_package(LLVM ${major}.1 CONFIG QUIET HINTS /usr/lib/llvm-${major}/lib/cmake/llvm)
    endif()
endforeach()

if(NOT LLVM_FOUND OR NOT TARGET LLVM) # the target LLVM is the shared library; some builds have only archives
    string(CONCAT reason "no shared LLVM of version ${wanted} was found. Winnow builds with 19 to 22; on Debian install "
                         "llvm-22-dev or llvm-19-dev, elsewhere set LLVM_DIR to the folder of LLVMConfig.cmake")
    if(WINNOW_LLVM_VERSION OR WINNOW_LLVM STREQUAL "STATIC")
        message(FATAL_ERROR "${reason}")
    endif()
    message(WARNING "Building without LLVM, so that expressions are interpreted: ${reason}.")
    set(WINNOW_LLVM OFF)
    return()
endif()

if(WINNOW_LLVM STREQUAL "STATIC" AND NOT WINNOW_SHARED)
    message(FATAL_ERROR "WINNOW_LLVM=STATIC is for a shared library: an archive (WINNOW_SHARED=OFF) opens its provider")
endif()

message(NOTICE "Winnow ${PROJECT_VERSION} with LLVM ${LLVM_PACKAGE_VERSION} (${WINNOW_LLVM})")
add_library(winnow-libllvm INTERFACE)
target_include_directories(winnow-libllvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
target_link_libraries(winnow-libllvm INTERFACE LLVM)
