int main_placeholder_9528;
