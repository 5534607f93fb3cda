class my_docker { }
