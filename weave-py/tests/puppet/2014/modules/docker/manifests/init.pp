class docker { }
