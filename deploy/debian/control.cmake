# Packages for Debian, made by `cpack --config build/release/CPackConfig.cmake`:
# model-server has the program and all that the service needs,
# model-server-torch what loads libtorch, for TorchScript and GPUs.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME model-server)
set(CPACK_PACKAGE_CONTACT "The authors of Model Server <model-server@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "light server for local chat models")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_COMPONENTS_ALL server debian torch)
set(CPACK_COMPONENT_SERVER_GROUP server)
set(CPACK_COMPONENT_DEBIAN_GROUP server)
set(CPACK_COMPONENT_TORCH_GROUP torch)

set(CPACK_DEBIAN_SERVER_PACKAGE_NAME model-server)
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
set(CPACK_COMPONENT_GROUP_SERVER_DESCRIPTION
    "Serves chat models from folders of weights over HTTP, to clients of its own\n\
REST API and of OpenAI's. A reply goes on, token for token, when the worker or\n\
the machine that was producing it dies. A small model comes with it.")
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS
    "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_SERVER_PACKAGE_SUGGESTS "model-server-torch, openssl")
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
    "${CMAKE_CURRENT_LIST_DIR}/conffiles;${CMAKE_CURRENT_LIST_DIR}/postinst;\
${CMAKE_CURRENT_LIST_DIR}/prerm;${CMAKE_CURRENT_LIST_DIR}/postrm")

set(CPACK_DEBIAN_TORCH_PACKAGE_NAME model-server-torch)
set(CPACK_DEBIAN_TORCH_PACKAGE_SECTION net)
set(CPACK_COMPONENT_GROUP_TORCH_DESCRIPTION
    "Lets Model Server run TorchScript models, and all models on the GPUs that its\n\
libtorch knows.")
# The default BLAS is about fifty times slower than OpenBLAS.
set(CPACK_DEBIAN_TORCH_PACKAGE_DEPENDS
    "model-server (= ${PROJECT_VERSION}-1), libopenblas0-pthread")

include(CPack)
