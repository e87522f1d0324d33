// Sets light or dark before anything is shown. No module, because those wait.
{
  const root = document.documentElement;
  const preference = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const chosen = localStorage.getItem('model-server.theme');
    root.dataset.theme = chosen ?? (preference.matches ? 'dark' : 'light');
  };
  preference.addEventListener('change', apply);
  apply();
}
