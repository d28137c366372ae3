"""Calls that recipe code makes of its engine, for the engines to be compared by their answers.

The text of this file runs inside the `preprocess` hook of a probe recipe, in cmind, in mlcflow
and here: `answers(i)` tries every call of the dialect in an empty folder. `facade_facts.json`
holds what cmind 4.2.0 and mlcflow 1.3.8 said; `record_facade.py` asks them again.
"""

import copy
import json
import os
import re
import zipfile

#: Variables that a call may use: what the hook got, and files that `prepare` makes.
COMMON = [
    # files
    "utils.load_txt('a.txt')",
    "utils.load_txt(file_name='a.txt', check_if_exists=True, split=True)",
    "utils.load_txt('a.txt', match_text=r'v(\\d+)\\.(\\d+)')",
    "utils.load_txt('a.txt', match_text='zzz')",
    "utils.load_txt('a.txt', match_text='zzz', fail_if_no_match='no such text')",
    "utils.load_txt('gone.txt', check_if_exists=True)",
    "utils.load_txt('crlf.txt', split=True)",
    "[utils.load_txt('once.txt', remove_after_read=True), os.path.exists('once.txt')]",
    "utils.load_json('a.json')",
    "utils.load_json(file_name='bad.json')['return'] > 0",
    "[utils.save_json('s.json', {'b': 1, 'a': [2, {'c': None}]}), text('s.json')]",
    "[utils.save_json(file_name='t.json', meta={'ä': 'ö'}), text('t.json')]",
    "[utils.save_txt('s.txt', 'one\\r\\ntwo'), text('s.txt')]",
    "[utils.save_txt(file_name='s2.txt', string='x'), text('s2.txt')]",
    "[utils.save_yaml('s.yaml', {'b': 1, 'a': [2, {'c': None}], 'd': 'yes'}), text('s.yaml')]",
    # dictionaries
    "utils.merge_dicts({'dict1': {'a': 1, 'd': {'x': 1}}, 'dict2': {'b': 2, 'd': {'y': 2}}})",
    "utils.merge_dicts({'dict1': {'l': [1, 2]}, 'dict2': {'l': [2, 3]}})",
    "utils.merge_dicts({'dict1': {'l': [1, 2]}, 'dict2': {'l': [2, 3]}, 'append_lists': True})",
    "utils.merge_dicts({'dict1': {'l': [1, 2]}, 'dict2': {'l': [2, 3, 3]}, 'append_lists': True,"
    " 'append_unique': True})",
    "utils.merge_dicts({'dict1': {'d': {'l': [1]}}, 'dict2': {'d': {'l': [1, 2]}},"
    " 'append_lists': True, 'append_unique': True})",
    "utils.merge_dicts({'dict1': {'d': 1, 's': 'x'}, 'dict2': {'d': {'k': 1}, 's': None}})",
    # text
    "utils.convert_env_to_dict('A=1\\nB = 2 \\nC=x=y\\n\\nlone\\n')",
    # the host
    "i['os_info']['platform']",
    "{k: v for k, v in i['os_info'].items() if k not in ('env', 'env_quote', 'bits',"
    " 'python_bits')}",
    # what the hook gets
    "sorted(i)",
    "i['recursion_spaces']",
    "[i['script_tags'], i['variation_tags']]",
    "i['meta']['alias']",
    "os.path.basename(i['run_script_input']['path'])",
    "{'script_id', 'script_variation_tags'} <= set(i['run_script_input']['run_state'])",
    # helpers of the engine
    "[automation.parse_version({'match_text': r'v([\\d.]+)', 'group_number': 1, 'env_key': 'V',"
    " 'which_env': scratch, 'file_name': 'a.txt'}), scratch]",
    "automation.parse_version({'match_text': r'v(\\d+)\\.(\\d+)', 'group_number': 1,"
    " 'env_key': 'V', 'which_env': {}, 'file_name': 'a.txt', 'group_number_extra': 2})",
    "automation.parse_version({'match_text': r'v(\\d+)\\.(\\d+)', 'group_number': 1,"
    " 'env_key': 'V', 'which_env': {}, 'file_name': 'a.txt', 'group_number_extra': 2,"
    " 'group_join_string': '+'})",
    "automation.parse_version({'match_text': 'zzz', 'group_number': 1, 'env_key': 'V',"
    " 'which_env': {}, 'file_name': 'a.txt'})['return']",
    "automation.parse_version({'match_text': 'zzz', 'group_number': 1, 'env_key': 'V',"
    " 'which_env': {}})['return']",
    "[automation.update_deps({'deps': deps, 'update_deps': {'py': {'version': '3'}, 'no': {}}}),"
    " deps]",
    "[automation.update_deps({'deps': deps, 'update_deps': {'py': {'tags': '_v'}}}), deps]",
    "sorted(automation.find_file_deep({'paths': ['tree'], 'file_name': 'leaf'})['found_paths'])",
    "automation.find_file_deep({'paths': ['tree'], 'file_name': 'leaf', 'restrict_paths': ['b']})",
    "automation.find_file_back({'path': os.path.abspath('tree/a'), 'file_name': 'a.txt'})",
    "automation.find_file_back({'path': os.path.abspath('tree/a'), 'file_name': 'no-such-file'})",
    "automation.get_default_path_list({'default_path_env_key': 'PROBE_PATHS',"
    " 'os_info': i['os_info']})",
    "automation.get_default_path_list({'os_info': i['os_info']})",
    "automation._available_variations({'meta': i['meta']})['return']",
    "automation.clean_some_tmp_files({'env': {}})",
    "[automation.find_artifact(tool(default_path_env_key='PROBE_PATHS')), scratch]",
    "[automation.find_artifact(tool(default_path_env_key='NO_SUCH_PATHS'))['return'], scratch]",
    "[automation.find_artifact(tool(default_path_env_key='NO_SUCH_PATHS',"
    " env={P + 'TMP_PATH': os.path.abspath('tree')})), scratch]",
    "automation.find_artifact(tool(env={P + 'TMP_PATH': '/not/there'}))['return']",
    "automation.find_artifact(tool(env={P + 'TMP_PATH': '/not/there',"
    " P + 'TMP_PATH_IGNORE_NON_EXISTANT': 'yes'}))['return']",
    "automation.find_artifact(tool(env={P + 'INPUT': os.path.abspath('tree/probe-tool')}))",
    "automation.find_artifact(tool(env={P + 'INPUT': '/not/there'}))['return']",
    "[automation.run_native_script({'run_script_input': i['run_script_input'], 'env': scratch,"
    " 'script_name': 'other'})['return'], scratch.get('REPORTED'), 'REPORTED' in i['env']]",
    "automation.run_native_script({'run_script_input': i['run_script_input'], 'env': {},"
    " 'script_name': 'failing'})['return']",
    "sorted(automation.run_native_script({'run_script_input': i['run_script_input'],"
    " 'env': {}, 'script_name': 'other'}))",
]

CM = [
    "utils.load_json('gone.json', check_if_exists=True)",
    "utils.load_yaml('a.yaml', check_if_exists=True)",
    "utils.load_yaml_and_json('a')",
    "utils.load_yaml_and_json('gone', check_if_exists=True)['return'] > 0",
    "utils.load_json_or_yaml('a.yaml')",
    "utils.load_json_or_yaml('a.xml')['return']",
    "utils.is_file_json_or_yaml('a')",
    "utils.is_file_json_or_yaml('none')",
    "utils.safe_load_json('.', 'a.json')",
    "utils.safe_load_json('.', 'gone.json')",
    "utils.load_bin('a.txt')['bin'].decode()",
    "[utils.check_and_create_dir('made/dir'), os.path.isdir('made/dir')]",
    "utils.find_file_in_dir_and_above('leaf', 'tree/b')",
    "utils.find_file_in_current_directory_or_above(['nope', 'a.txt'], os.path.abspath('tree/a'))",
    "utils.find_file_in_current_directory_or_above(['leaf'], os.path.abspath('tree/b'))",
    "utils.list_all_files({'path': 'tree', 'all': 'yes'})",
    "utils.list_all_files({'path': 'tree', 'all': 'yes', 'pattern': 'le*', 'add_path': 'yes'})",
    "utils.list_all_files({'path': 'tree'})",
    "len(utils.gen_uid()['uid'])",
    "[utils.is_cm_uid(x) for x in ('0123456789abcdef', '0123456789ABCDEF', 'x', '', '0' * 17)]",
    "utils.parse_cm_object('alias,0123456789abcdef')",
    "utils.parse_cm_object('0123456789abcdef,alias')",
    "utils.parse_cm_object('repo:alias')",
    "utils.parse_cm_object('a:b:c')['return']",
    "utils.parse_cm_object('a,b,c')['return']",
    "utils.parse_cm_object('')",
    "utils.parse_cm_object('repo,0123456789abcdef:alias', decompose=True)",
    "utils.match_objects('', 'os', '', 'o*')",
    "utils.match_objects('0123456789abcdef', 'os', '0123456789ABCDEF', 'x')",
    "utils.match_objects('', 'os', '0123456789abcdef', '', True)",
    "utils.match_objects(None, 'os', None, 'OS')",
    "utils.get_list_from_cli({'t': 'a, b'}, 't')",
    "utils.get_list_from_cli({}, 't')",
    "utils.assemble_cm_object('a', 'u')",
    "utils.assemble_cm_object('', 'u')",
    "utils.assemble_cm_object1({'alias': 'a', 'uid': ''})",
    "utils.assemble_cm_object2(('a', 'u'))",
    "utils.dump_safe_json({'b': 1, 'o': object()})",
    "utils.convert_tags_to_list({'tags': 'a, b,,c'})",
    "utils.convert_tags_to_list({})",
    "utils.filter_tags(['a', '-b'])",
    "utils.tags_matched(['a', 'b'], ['a'], ['c'])",
    "utils.tags_matched(['a', 'b'], ['a'], ['b'])",
    "sorted(utils.get_current_date_time({}))",
    "sorted(utils.get_current_date_time({})['array'])",
    "utils.get_current_date_time({'timezone': 'No/Where'})['return'] > 0",
    "utils.sub_input({'a': 1, 'b': 2}, ['a', 'c'])",
    "utils.sub_input({'a': 1, 'b': 2}, ['a', 'c'], reverse=True)",
    "[utils.update_yaml('u.yaml', {'k': 2}), text('u.yaml')]",
    "[utils.update_dict_if_empty(scratch, 'k', 1), utils.update_dict_if_empty(scratch, 'k', 2),"
    " scratch]",
    "utils.convert_dictionary({'no-cache': 1}, 'docker')",
    "utils.convert_dictionary({'no-cache': 1}, 'docker', False)",
    "utils.test_input({})",
    "sorted(utils.test_input({'a': 1, 'b': 2}))",
    "utils.test_input({'a': 1})['unknown_keys_str']",
    "utils.path2('a b')",
    "utils.path2('ab')",
    "[utils.update_dict_with_flat_key('a.b', 1, scratch), scratch]",
    "utils.get_value_from_dict_with_flat_key('a.b', {'a': {'b': 3}})",
    "utils.get_value_from_dict_with_flat_key('a.c', {'a': {'b': 3}})",
    "[utils.flatten_dict({'a': {'b': 1}, 'c': [{'d': 2}], 'e': [1, 2]}, scratch), scratch]",
    "[utils.safe_int(x, 7) for x in ('3', '3.5', None, '', 4.9)]",
    "[utils.safe_float(x, 7) for x in ('3', '3.5', None, '', 4.9)]",
    "utils.get_set({'a': 1}, 'a', scratch, ['x', 'y']), scratch",
    "[utils.digits(x) for x in ('12ab3', 'x1', '')]",
    "[utils.digits(x, False) for x in ('12ab3', 'x1', '')]",
    "utils.substitute_template('{a}-{b}', {'a': 1, 'b': 2})",
    "[utils.compare_versions(a, b) for a, b in (('3.9', '3.10'), ('3.9.0', '3.9'), ('1', '1'))]",
    "[utils.check_if_true_yes_on({'k': v}, 'k') for v in ('Yes', 'true', 'on', '1', 'no', None)]",
    "[utils.check_if_none_false_no_off({'k': v}, 'k') for v in ('None', 'false', 'off', '0')]",
    "utils.find_api('api.py', 'shown')",
    "utils.find_api('api.py', 'hidden')['return']",
    "utils.find_api('api.py', 'absent')['return']",
    "sorted(utils.load_python_module({'path': '.', 'name': 'api'}))",
    "utils.load_python_module({'path': '.', 'name': 'api'})['code'].CONSTANT",
    "utils.load_python_module({'path': '.', 'name': 'gone'})['return']",
    "utils.call_internal_module(None, os.path.abspath('a.txt'), 'api', 'called', {'k': 1})",
    "sorted(utils.get_disk_use('/'))",
    "cmind.utils.load_txt('a.txt')['string']",
    "cmind.error({'return': 0})",
    # the automation utils
    "act('compare_versions', version1='3.9.6', version2='3.10')",
    "act('prune_input', input={'tags': 'x', 'out': 'con', 'docker_it': 1, 'cmd': []},"
    " extra_keys_starts_with=['docker_'])",
    "[act('detect_tags_in_artifact', input=scratch), scratch]",
    "set(i['os_info']) - set(act('get_host_os_info')['info'])",
    "act('get_host_os_info')['info']['platform']",
    "act('system', cmd='echo out; echo err >&2')['std']",
    "act('system', cmd='pwd', path=os.path.abspath('tree'))",
    "act('system', cmd='exit 3')['ret'] != 0",
    "[act('system', cmd='echo kept', stdout='kept.txt'), text('kept.txt')]",
    "act('system', cmd='')['return']",
    "[act('json2yaml', input='a.json'), text('a.yaml')]",
    "[act('json2yaml', input='a.json', output='o.yaml'), text('o.yaml')]",
    "act('json2yaml')['return']",
    "[act('yaml2json', input='a.yaml', output='o.json'), text('o.json')]",
    "[act('sort_json', input='unsorted.json'), text('unsorted.json')]",
    "[act('dos2unix', input='crlf.txt', output='lf.txt'), text('lf.txt')]",
    "[act('replace_string_in_file', input='a.txt', string='tool', replacement='TOOL',"
    " output='r.txt')['return'], text('r.txt')]",
    "act('replace_string_in_file', input='a.txt')['return']",
    "[act('create_toc_from_md', input='doc.md'), text('doc.md.toc')]",
    "act('print_json', file='a.json')",
    "act('print_yaml', file='a.yaml')",
    "act('print_yaml')['return']",
    "sorted(act('generate_secret'))",
    "len(act('uid')['uid'])",
    "[act('unzip_file', filename='z.zip', strip_folders=1), text('inner/file')]",
    "[act('unzip_file', filename='z.zip', path='unpacked'), text('unpacked/top/inner/file')]",
    "act('unzip_file', filename='gone.zip')['return']",
    "act('no_such_action')['return']",
    # artifacts
    "found(cmind.access({'action': 'find', 'automation': 'cfg', 'tags': 'probe,cfg'}))",
    "found(cmind.access({'action': 'find', 'automation': 'cfg', 'tags': 'no-such'}))",
    "cmind.access({'action': 'find', 'automation': 'no-such-noun'})['return']",
    "found(cmind.access({'action': 'find', 'automation': 'script,5b4e0237da074764',"
    " 'artifact': 'facade-probe'}))",
    "found(cmind.access({'action': 'find', 'automation': 'script', 'tags': 'facade-probe'}))",
    "cmind.access({'action': 'search', 'automation': 'script', 'tags': 'facade-probe,_x'})"
    "['variation_tags']",
    "cmind.access({'action': 'find', 'automation': 'script', 'tags': 'no-such'})['found_scripts']",
    "found(cmind.access('find script facade-probe'))",
    "found(cmind.access(['find', 'script', 'facade-probe']))",
    "found(cmind.access({'action': 'find', 'automation': 'repo', 'artifact': 'no@such'}))",
    "found(cmind.access({'action': 'find', 'automation': 'repo', 'artifact': 'probe-world'}))",
    "found(cmind.access({'action': 'find', 'automation': 'repo',"
    " 'artifact': 'another-name,00112233445566aa'}))",
    "cmind.access({'action': 'find', 'automation': 'repo', 'artifact': 'probe-world'})['list'][0]"
    ".meta['uid']",
    "found(cmind.access({'action': 'find', 'automation': 'experiment,a0a2d123ef064bcb',"
    " 'artifact': 'none'}))",
    "sorted(cmind.access({'action': 'add', 'automation': 'experiment,a0a2d123ef064bcb',"
    " 'artifact': 'exp1', 'tags': ['a', 'b'], 'meta': {'q': 1}})['meta'])",
    "found(cmind.access({'action': 'find', 'automation': 'experiment', 'artifact': 'exp1'}))",
    "found(cmind.access({'action': 'find', 'automation': 'experiment', 'tags': 'a,b'}))",
    "cmind.access({'action': 'load', 'automation': 'experiment', 'artifact': 'exp1'})['meta']['q']",
    "cmind.access({'action': 'rm', 'automation': 'experiment', 'artifact': 'exp1',"
    " 'f': True})['return']",
    "cmind.access({'action': 'rm', 'automation': 'cache', 'tags': 'no-such', 'f': True})['return']",
    "found(cmind.access({'action': 'find', 'automation': 'cache,541d6f712a6b464e',"
    " 'tags': 'no-such'}))",
    "cmind.access({})",
    "cmind.access({'action': 'run', 'automation': 'no-such'})['return']",
    "cmind.access({'action': 'run', 'automation': 'script', 'tags': 'no-such'})['return'] > 0",
    # configurations
    "configured(act('load_cfg', tags='probe,cfg'))",
    "configured(act('load_cfg', artifact='probe-cfg', key='run-'))",
    "configured(act('load_cfg', tags='probe,cfg', key_end=['-b.yaml']))",
    "configured(act('load_cfg', tags='probe,cfg', prune={'uid': 'a1'}))",
    "configured(act('load_cfg', tags='probe,cfg', prune={'list': ['b1', 'c1']}))",
    "configured(act('load_cfg', tags='probe,cfg', prune={'key': 'kind', 'key_uid': 'y'}))",
    "configured(act('load_cfg', tags='probe,cfg', prune={'meta_key': 'tags',"
    " 'meta_key_uid': 'cfg'}))",
    "configured(act('load_cfg', tags='probe,cfg', prune={'meta_key': 'tags',"
    " 'meta_key_uid': 'other'}))",
    "[os.path.basename(m['full_path']) for m in act('load_cfg', tags='probe,cfg',"
    " skip_files=True)['selection']]",
]

MLC = [
    "utils.load_txt('gone.txt')['return']",
    "utils.load_json('gone.json')['return']",
    "utils.read_yaml('a.yaml')",
    "utils.read_json('a.json')",
    "len(utils.get_new_uid()['uid'])",
    "[bool(utils.is_uid(x)) for x in ('0123456789abcdef', 'x', '0' * 17)]",
    "[bool(utils.is_valid_url(x)) for x in ('https://a.org/x', 'ftp://a.org', 'a.org', '', 'x:')]",
    "utils.assemble_object('a', 'u')",
    "utils.assemble_object('', 'u')",
    "utils.assemble_object('a', None)",
    "utils.convert_tags_to_list('a, b,,c')",
    "utils.convert_tags_to_list(None)['return']",
    "utils.sub_input({'a': 1, 'b': 2}, ['a', 'c'])",
    "utils.run_system_cmd({'cmd': 'echo out; echo err >&2'})",
    "utils.run_system_cmd({'path': 'tree', 'cmd': 'ls'})",
    "sorted(utils.run_system_cmd({'path': '.', 'cmd': 'exit 3'}))",
    "utils.run_system_cmd({'path': '/not/there', 'cmd': 'ls'})['return']",
    "utils.run_system_cmd({})['return']",
    "utils.convert_args_to_dictionary(['--a=1', '--l,=x,y', '--d.k.z=v', '--yes', '-ab', 'w',"
    " 'k=v', '--d.k.y=w=x'])",
    "utils.modify_git_url('ssh', 'https://github.com/o/r.git')",
    "utils.modify_git_url('pat', 'https://github.com/o/r.git', {'token': 'T'})",
    "utils.modify_git_url('no', 'https://github.com/o/r.git')['return']",
    "utils.get_repo_version('')",
    "utils.get_repo_version('packed')",
    "utils.printd({'b': 1, 'a': [2]})",
    "sorted(utils.load_python_module({'path': '.', 'name': 'api'}))",
    "utils.load_python_module({'path': '.', 'name': 'api'})['code'].CONSTANT",
    "utils.load_python_module({'path': '.', 'name': 'gone'})['return']",
    "[utils.extract_file({'filename': os.path.abspath('z.zip'), 'strip_folders': 1}),"
    " text('extracted/inner/file')]",
    "[utils.compare_versions(a, b) for a, b in (('3.9', '3.10'), ('3.9.0', '3.9'), ('1', '1'))]",
    # the bare module utils
    "[own.is_true(x) for x in ('yes', 'TRUE', 'on', '1', 1, True, 'no', '', None, '2')]",
    "[own.is_false(x) for x in ('no', 'False', 'off', '0', 0, False, 'yes', '', None)]",
    "own.compare_versions({'version1': '3.9.6', 'version2': '3.10'})",
    "own.compare_versions({'version1': '3.9.6', 'version2': '3.9',"
    " 'version_minor_skip_okay': True})",
    "own.prune_input({'input': {'tags': 'x', 'out': 'con', 'docker_it': 1},"
    " 'extra_keys_starts_with': ['docker_']})",
    "[own.quote_if_needed(x, '') for x in ('a b', 'a', 'q\"q', 3)]",
    "own.quote_if_needed('a', '\"')",
    "sorted(own.get_host_os_info()['info'])",
    "[own.unzip_file({'filename': 'z.zip', 'strip_folders': 1}), text('inner/file')]",
    "own.unzip_file({'filename': 'gone.zip'})['return']",
    "[own.json2yaml({'input': 'a.json', 'output': 'o.yaml'}), text('o.yaml')]",
    "[own.dos2unix({'input': 'crlf.txt', 'output': 'lf.txt'}), text('lf.txt')]",
    "[own.create_toc_from_md({'input': 'doc.md'}), text('doc.md.toc')]",
    "own.has_function_in_file('api.py', 'shown')",
    "own.has_function_in_file('api.py', 'absent')",
    "own.parse_expiration('2h') > own.parse_expiration('10m')",
    "own.parse_expiration('2x')",
    "own.load_txt('a.txt')['string']",
    "sorted(n for n in ('os', 're', 'json', 'platform', 'subprocess') if hasattr(own, n))",
    # artifacts
    "found(mlc.access({'action': 'search', 'target': 'script', 'tags': 'facade-probe'}))",
    "found(mlc.access({'action': 'search', 'automation': 'script', 'tags': 'facade-probe'}))",
    "found(mlc.access({'action': 'search', 'target': 'script', 'tags': 'facade-probe,_x'}))",
    "found(mlc.access({'action': 'find', 'target': 'script', 'tags': 'no-such'}))",
    "found(mlc.access({'action': 'find', 'automation': 'repo', 'item': 'probe-world'}))",
    "found(mlc.access({'action': 'find', 'automation': 'repo',"
    " 'item': 'probe-world,ffeeddccbbaa9988'}))",
    "mlc.access({'action': 'find', 'automation': 'repo', 'item': 'no@such'})['return']",
    "mlc.access({'action': 'find', 'automation': 'repo', 'item': 'probe-world'})['list'][0]"
    ".meta['uid']",
    "mlc.access({'action': 'rm', 'target': 'cache', 'tags': 'no-such', 'f': True})['return']",
    "mlc.access({'action': 'rm', 'automation': 'cache', 'tags': 'no-such', 'f': True})"
    "['warnings'][0]['code']",
    "automation.cache_action.access({'action': 'rm', 'target': 'cache', 'tags': 'no-such',"
    " 'f': True})['return']",
    "found(automation.action_object.access({'action': 'search', 'target': 'script',"
    " 'tags': 'facade-probe'}))",
    "'probe-world' in [repo.meta.get('alias') for repo in automation.action_object.repos]",
    "os.path.isdir(automation.action_object.repos_path)",
    "found(mlc.access({'action': 'find', 'target': 'experiment', 'tags': 'no-such'}))",
    "mlc.access({'action': 'run', 'automation': 'script', 'tags': 'no-such',"
    " 'quiet': True})['return'] > 0",
    "mlc.access({'action': 'no_such', 'automation': 'script'})['return'] > 0",
]


def prepare():
    """The files that the calls find in the current folder."""
    files = {
        "a.txt": "tool v1.2 here\nsecond\n",
        "crlf.txt": "one\r\ntwo\r\n",
        "once.txt": "once",
        "a.json": '{"b": 1, "a": [2, "x"]}',
        "unsorted.json": '{"b": 1, "a": {"d": 1, "c": 2}}',
        "bad.json": "{",
        "a.yaml": "b: 7\nc: text\n",
        "u.yaml": "k: 1\nkk: 3\n",
        "doc.md": "# Top title\ntext\n## Part (one), *two*\n#nothing\n### Deep: a+b\n",
        "api.py": 'CONSTANT = 4\ndef shown(i):\n    """\n    What it does\n    """\n    return 1\n'
        "def called(i):\n    return {'return': 0, 'got': i['k']}\ndef hidden(i): pass\n",
        "tree/probe-tool": "#!/bin/sh\n",
        "tree/a/leaf": "1",
        "tree/b/leaf": "22",
        "tree/b/other": "333",
        "packed/git_commit_hash.txt": "abc123\n",
    }
    for name, content in files.items():
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "w", newline="", encoding="utf-8") as file:
            file.write(content)
    os.chmod("tree/probe-tool", 0o755)
    with zipfile.ZipFile("z.zip", "w") as archive:
        archive.writestr("top/inner/file", "packed")
    os.environ["PROBE_PATHS"] = os.path.abspath("tree")


def plain(value, work):
    """A value as JSON can hold it, without what only one machine or engine says."""
    if isinstance(value, dict):
        found = {str(k): plain(v, work) for k, v in value.items()}
        if found.get("error") and found.get("return"):
            found["error"] = "TEXT"
            found.pop("hint", None)
        return found
    if isinstance(value, (list, tuple, set)):
        return [plain(v, work) for v in value]
    if isinstance(value, re.Match):
        return {"groups": list(value.groups())}
    if isinstance(value, str):
        return value.replace(work, "WORK")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return f"<{type(value).__name__}>"


def answers(i):
    """`{call: answer}` for every call of the dialect; an exception is `{"raised": its name}`."""
    automation = i["automation"]
    dialect = "cm" if hasattr(automation, "cmind") and i["meta"].get("probes") == "cm" else "mlc"
    space = {"os": os, "i": i, "automation": automation, "dialect": dialect}
    if dialect == "cm":
        import cmind
        from cmind import utils

        space.update(cmind=cmind, utils=utils, P="CM_")
    else:
        import mlc
        import utils as own
        from mlc import utils

        space.update(mlc=mlc, utils=utils, own=own, P="MLC_")

    def text(name):
        with open(name, newline="", encoding="utf-8") as file:
            return file.read()

    def act(action, **call):
        return cmind.access({"action": action, "automation": "utils,dc2743f8450541e3", **call})

    def found(answer):
        if answer["return"]:
            return {"return": answer["return"]}
        return [os.path.basename(item.path) for item in answer["list"]]

    def configured(answer):
        if answer["return"]:
            return {"return": answer["return"]}
        rows = [
            [os.path.basename(m["full_path"]), m["uid"], m["name"], m["all_tags"], m.get("extra")]
            for m in answer["selection"]
        ]
        return sorted(rows, key=str)

    def tool(**more):
        env = space["scratch"]
        env.update(more.pop("env", {}))
        return {
            "file_name": "probe-tool",
            "env": env,
            "os_info": i["os_info"],
            "default_path_env_key": "",
            "env_path_key": "FOUND",
            "run_script_input": i["run_script_input"],
            "recursion_spaces": i["recursion_spaces"],
            **more,
        }

    space.update(text=text, act=act, found=found, configured=configured, tool=tool)
    top = os.getcwd()
    said = {}
    for number, call in enumerate(COMMON + (CM if dialect == "cm" else MLC)):
        work = os.path.join(top, f"call-{number}")
        os.mkdir(work)
        os.chdir(work)
        prepare()
        space["scratch"] = {"artifact": "get python"} if "detect_tags" in call else {}
        space["deps"] = [{"tags": "get,python", "names": ["py"]}, {"tags": "get,x"}]
        before = copy.deepcopy(i["env"])
        try:
            said[call] = plain(eval(call, space), work)
        except Exception as error:  # noqa: BLE001 - what it raises is the answer
            said[call] = {"raised": type(error).__name__}
        i["env"].clear()
        i["env"].update(before)
        os.chdir(top)
    with open(os.path.join(top, "answers.json"), "w", encoding="utf-8") as file:
        json.dump(said, file, indent=1, sort_keys=True, ensure_ascii=False)
    return {"return": 0}
