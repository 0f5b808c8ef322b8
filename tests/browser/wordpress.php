<?php
// A page as WordPress makes it: php wordpress.php WORDPRESS FUNCTIONS, where FUNCTIONS is a theme's functions.php.
//
// Everything between the theme's functions and the tag is WordPress's own code. There is no database: its options come from
// the filter that WordPress asks first.
[, $wordpress, $functions] = $argv;
define('ABSPATH', "$wordpress/");
define('WPINC', 'wp-includes');
foreach (['load', 'plugin', 'functions', 'formatting', 'general-template', 'link-template', 'theme', 'l10n', 'kses', 'cache', 'script-loader'] as $file) {
    require ABSPATH . WPINC . "/$file.php";
}
wp_cache_init();
foreach (['siteurl' => 'http://localhost', 'home' => 'http://localhost', 'blog_charset' => 'UTF-8', 'can_compress_scripts' => '0'] as $name => $value) {
    add_filter("pre_option_$name", fn() => $value);
}
// As default-filters.php says.
add_action('wp_head', 'wp_enqueue_scripts', 1);
add_action('wp_head', 'wp_print_head_scripts', 9);
add_action('wp_footer', 'wp_print_footer_scripts', 20);
add_action('wp_print_footer_scripts', '_wp_footer_scripts');

require $functions;
?>
<!doctype html>
<html lang="en">
<head><title>WordPress</title><?php wp_head(); ?></head>
<body><h1>WordPress</h1><?php wp_footer(); ?></body>
</html>
