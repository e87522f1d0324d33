int main_placeholder_26085;
