//! The request, compared with what the docker client sends.
