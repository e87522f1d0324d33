int main_placeholder_3329;
